//! `bulkhead token`: the names under which clients appear in the ledger.

use bulkhead_core::Duration;
use clap::Subcommand;

use super::call::call;
use super::output::{Output, table};
use super::{Done, Failure, Place};
use crate::control::{Minted, Request, TokenRow, Tokens};

/// Create, list and revoke the tokens that name clients
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a token. Its text is shown once
    Create {
        /// The principal that it names in every entry, such as ci
        #[arg(long = "for", value_name = "NAME")]
        principal: String,
        /// For how long, such as 90d [default: until it is revoked]
        #[arg(long, value_name = "SPAN")]
        expires: Option<Duration>,
        /// It also opens the console
        #[arg(long)]
        console: bool,
    },
    /// Every token, without its text
    List,
    /// End a token
    Revoke {
        /// Its id, as `token list` shows it
        id: String,
    },
}

pub(super) fn run(place: &Place, args: Args, output: &Output) -> Result<Done, Failure> {
    match args.command {
        Command::Create { principal, expires, console } => {
            let expires = expires.map(super::from_now).transpose()?;
            let minted: Minted = call(place, Request::TokenCreate { principal, expires, console })?;
            let own = place.own_url(&place.load()?);
            let (scheme, host) = own.trim_end_matches('/').split_once("://").unwrap_or(("http", &own));
            let mut uses =
                format!("Use it as the password of the index address:  {scheme}://token:TOKEN@{host}/pypi/simple/");
            if console {
                uses += &format!("\nIt also opens the console:  {scheme}://{host}/console/");
            }
            output.facts(&minted, |minted| {
                format!(
                    "{}\n\nThe token of {} (id {}). It is shown once: only its hash is kept.\n{uses}",
                    minted.token, minted.principal, minted.id
                )
            })?;
        }
        Command::List => {
            let tokens: Tokens = call(place, Request::TokenList)?;
            output.facts(&tokens, list)?;
        }
        Command::Revoke { id } => {
            let revoked: TokenRow = call(place, Request::TokenRevoke { id })?;
            output.facts(&revoked, |token| format!("revoked token {} of {}", token.id, token.principal))?;
        }
    }
    Ok(Done::Good)
}

fn list(tokens: &Tokens) -> String {
    if tokens.tokens.is_empty() {
        return "no tokens; make one:  bulkhead token create --for ci".to_owned();
    }
    let rows: Vec<Vec<String>> = tokens
        .tokens
        .iter()
        .map(|token| {
            let state = if token.revoked { "revoked" } else { "valid" };
            let until = token.expires.map_or_else(|| "-".to_owned(), |at| format!("{at:.0}"));
            vec![token.id.clone(), token.principal.clone(), format!("{:.0}", token.created), until, state.to_owned()]
        })
        .collect();
    table(&["id", "for", "created", "expires", "state"], &rows)
}
