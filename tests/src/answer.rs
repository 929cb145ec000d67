use serde_json::Value;

/// What the server said, with assertions that show the whole of it when they fail.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The first line of the request.
    pub asked: String,
    pub status: u16,
    /// Names in lower case, in the order of arrival.
    pub headers: Vec<(String, String)>,
    /// `Null` unless the answer is JSON.
    pub body: Value,
    pub text: String,
}

impl Answer {
    /// Asserts the status, and the request id that every answer carries.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self}");
        assert!(self.header("x-request-id").is_some_and(|id| !id.is_empty()), "no X-Request-Id: {self}");
        self
    }

    /// Asserts a problem answer (RFC 9457) of that status and code, whole, with the headers that go with it.
    #[track_caller]
    pub fn problem(self, status: u16, code: &str) -> Self {
        let answer = self.expect(status);
        assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{answer}");
        assert_eq!(answer.body["code"], code, "{answer}");
        assert_eq!(answer.body["status"], status, "{answer}");
        for field in ["type", "title", "detail"] {
            assert!(answer.body[field].as_str().is_some_and(|text| !text.is_empty()), "no {field}: {answer}");
        }
        assert_eq!(answer.body["request_id"].as_str(), answer.header("x-request-id"), "{answer}");
        answer.check_challenge(code);
        if status == 422 {
            answer.check_field_errors();
        }
        answer
    }

    /// Asserts a 422 that names the field, or something within it.
    #[track_caller]
    pub fn refuses_field(self, field: &str) -> Self {
        let answer = self.problem(422, "validation_failed");
        let errors = answer.body["errors"].as_array().expect("errors");
        let names_it = |error: &Value| {
            let rest = error["field"].as_str().and_then(|named| named.strip_prefix(field));
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        };
        assert!(errors.iter().any(names_it), "no error of `{field}`: {answer}");
        answer
    }

    /// Asserts a problem answer of one of these statuses, where the contract leaves the choice.
    #[track_caller]
    pub fn refused(self, statuses: &[u16]) -> Self {
        assert!(statuses.contains(&self.status), "none of {statuses:?}: {self}");
        let (status, code) = (self.status, self.body["code"].as_str().unwrap_or_default().to_owned());
        self.problem(status, &code)
    }

    /// The body without what differs between two askings of the same question.
    pub fn body_to_compare(&self) -> Value {
        let mut body = self.body.clone();
        if let Some(members) = body.as_object_mut() {
            members.remove("request_id");
        }
        body
    }

    /// All that a client can tell two answers apart by, without what differs between two askings of the same question.
    pub fn to_compare(&self) -> String {
        let differs = |name: &str| ["x-request-id", "date", "ratelimit"].contains(&name);
        let headers = self.headers.iter().filter(|(name, _)| !differs(name));
        let headers: String = headers.map(|(name, value)| format!("{name}: {value}\n")).collect();
        let id = self.header("x-request-id").filter(|id| !id.is_empty()).unwrap_or("no id");
        format!("{}\n{headers}\n{}", self.status, self.text.replace(id, "[request id]"))
    }

    /// RFC 6750: what a 401 and a missing scope say in `WWW-Authenticate`.
    #[track_caller]
    fn check_challenge(&self, code: &str) {
        let challenge = self.header("www-authenticate").unwrap_or_default();
        if self.status == 401 {
            assert!(challenge.starts_with("Bearer realm=\"keyward\""), "{self}");
            let names_the_token = challenge.contains("error=\"invalid_token\"");
            assert_eq!(names_the_token, code == "invalid_key", "{self}");
        }
        if code == "insufficient_scope" {
            assert!(challenge.contains("error=\"insufficient_scope\""), "{self}");
            assert!(challenge.contains("scope=\""), "{self}");
        }
    }

    #[track_caller]
    fn check_field_errors(&self) {
        let errors = self.body["errors"].as_array().unwrap_or_else(|| panic!("no errors: {self}"));
        assert!(!errors.is_empty(), "{self}");
        for error in errors {
            for member in ["field", "code", "message"] {
                assert!(error[member].is_string(), "an error without {member}: {self}");
            }
        }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.all_headers(name).next()
    }

    pub fn all_headers(&self, name: &str) -> impl Iterator<Item = &str> {
        self.headers.iter().filter(move |(have, _)| have == name).map(|(_, value)| value.as_str())
    }

    /// The string at that member of the body.
    #[track_caller]
    pub fn text_at(&self, member: &str) -> String {
        self.body[member].as_str().unwrap_or_else(|| panic!("no text `{member}`: {self}")).to_owned()
    }

    /// The `items` of a list.
    #[track_caller]
    pub fn items(&self) -> Vec<Value> {
        self.body["items"].as_array().unwrap_or_else(|| panic!("no list: {self}")).clone()
    }

    /// All of the answer, as it would stand in a log.
    pub fn whole(&self) -> String {
        let headers: String = self.headers.iter().map(|(name, value)| format!("{name}: {value}\n")).collect();
        format!("{}\n{headers}\n{}", self.status, self.text)
    }
}

impl std::fmt::Display for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} →\n{}", self.asked, self.whole())
    }
}
