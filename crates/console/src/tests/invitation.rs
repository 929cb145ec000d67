use std::net::{IpAddr, Ipv4Addr};

use keyward_core::id::RequestId;
use keyward_service::authenticate::{Presented, authenticate};
use keyward_service::create_workspace::{NewWorkspace, create_workspace};
use keyward_service::ctx::{Ctx, Door, Request};
use keyward_service::invite_member::invite_member;

use super::bench::Bench;

/// The token of Ada's invitation.
async fn invite(bench: &Bench, cookie: &str, email: &str, slug: &str) -> String {
    let ctx = asking(bench, cookie).await;
    let invited = invite_member(&bench.service, &ctx, slug, email, "guest").await.unwrap();
    invited.token.expose().to_owned()
}

async fn asking(bench: &Bench, cookie: &str) -> Ctx {
    let session = cookie.split_once('=').unwrap().1;
    let request = Request {
        id: RequestId::new(1, [1; 10]),
        door: Door::Console,
        ip: Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        user_agent: None,
        session: None,
    };
    let presented = Presented { key: None, session: Some(session) };
    authenticate(&bench.service, presented, request).await.unwrap()
}

#[tokio::test]
async fn somebody_new_joins_with_a_name_and_a_password() {
    let bench = Bench::new();
    let ada = bench.with_ada().await;
    let token = invite(&bench, &ada, "bob@example.com", "acme").await;
    bench.get("/invitation").await.assert_page(200, "Join a team of Acme");

    let nameless = bench.post("/invitation", &format!("token={token}&password=correct+horse+battery")).await;
    nameless.assert_page(422, "id=\"name-complaint-1\"");
    assert!(!nameless.html.contains("correct horse"), "the password is in the page");

    let form = format!("token={token}&name=Bob&password=correct+horse+battery");
    let bob = bench.post("/invitation", &form).await.went_home();
    bench.get_as(&bob, "/workspaces").await.assert_page(200, "The guest");
    bench.get_as(&bob, "/workspaces").await.assert_page(200, "Your role may not create keys here.");

    bench.post("/invitation", &form).await.assert_page(404, "This invitation does not work");
}

#[tokio::test]
async fn somebody_with_an_account_gives_its_password() {
    let bench = Bench::new();
    let ada = bench.with_ada().await;
    let other = NewWorkspace { name: "Other".to_owned(), slug: Some("other".to_owned()) };
    create_workspace(&bench.service, &asking(&bench, &ada).await, other).await.unwrap();
    let first = invite(&bench, &ada, "bob@example.com", "acme").await;
    let second = invite(&bench, &ada, "bob@example.com", "other").await;
    let form = |token: &str, password: &str| format!("token={token}&name=Bob&password={password}");
    bench.post("/invitation", &form(&first, "correct+horse+battery")).await.went_home();

    let wrong = bench.post("/invitation", &form(&second, "some+other+password")).await;
    wrong.assert_page(422, "The invited address has an account already");
    wrong.assert_page(422, "id=\"password-complaint-1\"");
    let bob = bench.post("/invitation", &form(&second, "correct+horse+battery")).await.went_home();
    bench.get_as(&bob, "/workspaces").await.assert_page(200, "data-copy>acme</code>");
    bench.get_as(&bob, "/workspaces").await.assert_page(200, "data-copy>other</code>");
}

#[tokio::test]
async fn without_a_link_there_is_nothing_to_accept() {
    let bench = Bench::new();
    bench.post("/invitation", "name=Bob&password=x").await.assert_page(422, "id=\"token-complaint-1\"");
    bench.post("/invitation", "token=x&name=Bob&password=x").await.assert_page(404, "This invitation");
}
