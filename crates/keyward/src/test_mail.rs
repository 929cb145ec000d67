//! `keyward mail test`: sends one mail, the way notices go out.

use keyward_core::id::MailId;
use keyward_core::person::Email;
use keyward_service::clock::{Clock as _, SystemClock, unix_ms};
use keyward_service::entropy;
use keyward_service::letter::{Letter, Post as _};
use keyward_service::send_mails::SEND_WITHIN;

use crate::cli::{Failure, terminal};
use crate::config::Loaded;
use crate::post::SmtpPost;

/// Sends it, and says what the mail server said.
pub(crate) async fn run(loaded: Loaded, to: Email) -> Result<(), Failure> {
    let Some(mail) = &loaded.settings.mail else {
        return Err(Failure::failed("no mail server is set, so nobody can be written to")
            .advise("Set mail.host and mail.from; `keyward config show` lists them with the rest."));
    };
    let post = SmtpPost::new(mail).map_err(Failure::failed)?;
    let product = &loaded.profile.product.name;
    let now = SystemClock.now();
    let random = entropy::bytes().map_err(|refusal| Failure::failed(refusal.to_string()))?;
    let letter = Letter {
        id: MailId::new(unix_ms(now), random),
        to: to.clone(),
        at: now,
        subject: format!("[{product}] A test"),
        text: format!(
            "Somebody who runs {product} asked for this with `keyward mail test`.\n\
             Notices of keys that expire go out the same way.\n"
        ),
    };
    let address = post.address().to_owned();
    let sent = tokio::time::timeout(SEND_WITHIN, post.send(&letter)).await;
    match sent {
        Ok(Ok(())) => {
            terminal::say(format!("The mail server {address} has taken a mail to {to}."));
            Ok(())
        }
        Ok(Err(error)) => Err(failed(&address, &error.to_string())),
        Err(_) => Err(failed(&address, &format!("it did not say yes within {} s", SEND_WITHIN.as_secs()))),
    }
}

fn failed(address: &str, why: &str) -> Failure {
    Failure::failed(format!("the mail server {address} did not take the mail: {why}"))
        .advise("Check the settings of [mail] with `keyward config show`.")
}
