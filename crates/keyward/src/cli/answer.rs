//! What an answer means: its data, or why there is none.

use http::StatusCode;
use keyward_wire::problem::Problem;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::exit::Exit;
use super::failure::Failure;
use super::http_client::Reply;
use super::server_url::ServerUrl;

impl Reply {
    /// The answer itself if it is a success, and otherwise a failure that tells all the server said.
    pub(super) fn success(self, server: &ServerUrl) -> Result<Self, Failure> {
        if self.status.is_success() {
            return Ok(self);
        }
        if self.status.is_redirection() {
            let place = self.headers.get(http::header::LOCATION).and_then(|place| place.to_str().ok());
            return Err(Failure::failed(format!(
                "{server} sends on to {}",
                place.unwrap_or("another address")
            ))
            .advise("Name the address it really has: --server URL, or --data-plane URL for verify."));
        }
        let failure = serde_json::from_slice(&self.body).map_or_else(
            |_| {
                Failure::new(
                    exit_of(self.status),
                    format!("{server} answered {}, and did not say why", self.status),
                )
            },
            |problem| self.told_by(problem),
        );
        Err(match self.headers.get(http::header::RETRY_AFTER).and_then(|seconds| seconds.to_str().ok()) {
            Some(seconds) => failure.advise(format!("Try again in {seconds} seconds.")),
            None => failure,
        })
    }

    fn told_by(&self, problem: Problem) -> Failure {
        // Both are sentences; the detail is the one about this request.
        let what = if problem.detail.is_empty() { problem.title } else { problem.detail };
        let failure =
            Failure::new(exit_of(self.status), what).request_id(problem.request_id).code(problem.code);
        problem.errors.into_iter().fold(failure, |failure, error| failure.field(error.field, error.message))
    }

    /// Reads the answer as what it should be.
    pub(super) fn read<T: DeserializeOwned>(&self, server: &ServerUrl) -> Result<T, Failure> {
        serde_json::from_slice(&self.body).map_err(|_| {
            // What was said is not repeated: it may hold a secret.
            Failure::new(Exit::Unavailable, format!("{server} answered, but not as Keyward does"))
                .advise("Is this the right address, and does the server's version fit this one's?")
        })
    }

    /// Reads the answer as any JSON, to be passed on.
    pub(super) fn json(&self, server: &ServerUrl) -> Result<Value, Failure> {
        self.read(server)
    }
}

/// How a command ends that the server refused with that status.
pub(super) fn exit_of(status: StatusCode) -> Exit {
    match status {
        StatusCode::UNAUTHORIZED => Exit::NotSignedIn,
        StatusCode::FORBIDDEN => Exit::Refused,
        StatusCode::NOT_FOUND => Exit::NotFound,
        StatusCode::CONFLICT | StatusCode::PRECONDITION_FAILED => Exit::Conflict,
        StatusCode::TOO_MANY_REQUESTS => Exit::Unavailable,
        status if status.is_server_error() => Exit::Unavailable,
        _ => Exit::Failed,
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;
    use zeroize::Zeroizing;

    use super::*;

    fn failure(status: u16, body: &str) -> Failure {
        let reply = Reply {
            status: StatusCode::from_u16(status).unwrap(),
            headers: HeaderMap::new(),
            body: Zeroizing::new(body.as_bytes().to_vec()),
        };
        reply.success(&"http://localhost:8080".parse().unwrap()).unwrap_err()
    }

    #[test]
    fn a_problem_is_told_whole() {
        let body = r#"{"type":"urn:keyward:problem:validation_failed","title":"Invalid","status":422,
            "detail":"Some fields are wrong.","code":"validation_failed","request_id":"req_7",
            "errors":[{"field":"scopes[0]","code":"unknown","message":"no such scope"}]}"#;
        let failure = failure(422, body);
        assert_eq!(failure.exit(), Exit::Failed);
        assert_eq!(
            failure.to_string(),
            "Some fields are wrong.\n  scopes[0]: no such scope\n  Request id: req_7"
        );
    }

    #[test]
    fn each_status_has_its_exit_code() {
        for (status, exit) in [
            (400, Exit::Failed),
            (401, Exit::NotSignedIn),
            (403, Exit::Refused),
            (404, Exit::NotFound),
            (409, Exit::Conflict),
            (412, Exit::Conflict),
            (422, Exit::Failed),
            (429, Exit::Unavailable),
            (500, Exit::Unavailable),
            (503, Exit::Unavailable),
        ] {
            let failure = failure(status, "<html>");
            assert_eq!(failure.exit(), exit, "{status}");
            assert!(failure.to_string().contains(&status.to_string()), "{failure}");
        }
    }
}
