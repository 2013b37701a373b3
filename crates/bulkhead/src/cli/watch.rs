//! `bulkhead watch`: what is already inside and was marked since, for cron and a webhook.

use std::path::PathBuf;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Uri, header};

use super::call::call;
use super::output::{Output, table};
use super::{Done, Failure, Place};
use crate::clock::Clock;
use crate::control::{Alarm, Request, Watched};
use crate::net::post::post;

/// Raise what is already inside and was marked since. Run it from cron
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit codes:  0 nothing new is marked, 1 something is (or the webhook was not told), 2 wrong use
The webhook gets JSON, signed:  Bulkhead-Signature: t=SECONDS,v1=HMAC-SHA256(secret, \"SECONDS.\" + body)")]
pub(crate) struct Args {
    /// Also what is vulnerable and not malicious
    #[arg(long)]
    vulnerable: bool,

    /// Where to tell it
    #[arg(long, value_name = "URL", requires = "secret_file")]
    webhook: Option<Uri>,

    /// A file with the secret that signs what the webhook gets
    #[arg(long, value_name = "FILE", requires = "webhook")]
    secret_file: Option<PathBuf>,
}

pub(super) fn run(place: &Place, args: &Args, output: &Output) -> Result<Done, Failure> {
    let watched: Watched = call(place, Request::Watch { vulnerable: args.vulnerable })?;
    if !watched.alarms.is_empty() {
        // Told first, recorded then: what was not told is raised again the next time.
        if let (Some(webhook), Some(secret)) = (&args.webhook, &args.secret_file) {
            tell(webhook, secret, &watched.alarms)?;
        }
        let _entries: Vec<u64> = call(place, Request::Raised { alarms: watched.alarms.clone() })?;
    }
    output.facts(&watched, text)?;
    Ok(if watched.alarms.is_empty() { Done::Good } else { Done::Refused })
}

fn tell(webhook: &Uri, secret: &std::path::Path, alarms: &[Alarm]) -> Result<(), Failure> {
    let secret = crate::files::read_text(secret).map_err(anyhow::Error::new)?;
    let secret = secret.trim();
    if secret.len() < 16 {
        return Err(Failure::Usage(
            "the secret of the webhook is shorter than 16 characters: make one with openssl rand -hex 32".to_owned(),
        ));
    }
    let body = serde_json::to_vec(&serde_json::json!({ "alarms": alarms })).map_err(anyhow::Error::new)?;
    let at = Clock.now().as_second();
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, secret.as_bytes());
    let signed = [format!("{at}.").as_bytes(), &body].concat();
    let tag = aws_lc_rs::hmac::sign(&key, &signed);
    let tag: String = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    let signature = HeaderValue::from_str(&format!("t={at},v1={tag}")).map_err(anyhow::Error::new)?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (HeaderName::from_static("bulkhead-signature"), signature),
    ];
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(anyhow::Error::new)?;
    let posted = runtime.block_on(post(webhook, &headers, Bytes::from(body))).map_err(anyhow::Error::new)?;
    if (200..300).contains(&posted.status) {
        return Ok(());
    }
    Err(Failure::Other(anyhow::anyhow!(
        "the webhook {webhook} answered {}; nothing was recorded as raised",
        posted.status
    )))
}

fn text(watched: &Watched) -> String {
    if watched.alarms.is_empty() {
        return format!(
            "nothing new is marked among {} releases inside ({} alarms were raised before)",
            watched.inside, watched.known
        );
    }
    let line = |alarm: &Alarm| {
        vec![alarm.purl.clone(), alarm.mark.word().to_owned(), alarm.advisory.clone(), alarm.summary.clone()]
    };
    let lines: Vec<Vec<String>> = watched.alarms.iter().map(line).collect();
    format!(
        "{}\n\nalready inside, and marked since. What they reached:  {}",
        table(&["release", "marked", "by", "summary"], &lines),
        watched.alarms[0].next
    )
}
