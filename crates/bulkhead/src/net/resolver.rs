//! How names become addresses: each name asked for once at a time, and not again within seconds.

use std::collections::HashMap;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long an answer stands. An install opens dozens of connections to one host at once, and a name server that is asked
/// as often within a millisecond drops questions, each of which the system's resolver repeats only seconds later.
const STANDS: Duration = Duration::from_secs(5);
/// Names that are remembered; past it those whose answers no longer stand go.
const MOST: usize = 256;

/// How names become addresses. Clones share what they remember.
#[derive(Debug, Clone)]
pub enum Resolver {
    /// The operating system's resolver.
    System(Arc<Answers>),
    /// This table and nothing else: for tests, which must not ask a name server.
    Table(HashMap<String, Vec<IpAddr>>),
    /// One answer after the other, and a list of what was asked: for tests of what an answer that changes comes to.
    #[cfg(test)]
    Script(Arc<Script>),
}

/// What a name server would say, and what it was asked.
#[cfg(test)]
#[derive(Debug, Default)]
pub struct Script {
    /// The answers of each name; the last one stays.
    pub answers: Mutex<HashMap<String, std::collections::VecDeque<Vec<IpAddr>>>>,
    /// The names, in order.
    pub asked: Mutex<Vec<String>>,
}

#[cfg(test)]
impl Script {
    fn next(&self, host: &str) -> Vec<IpAddr> {
        self.asked.lock().unwrap().push(host.to_owned());
        let mut all = self.answers.lock().unwrap();
        let Some(answers) = all.get_mut(host) else { return Vec::new() };
        if answers.len() > 1 { answers.pop_front().unwrap() } else { answers.front().cloned().unwrap_or_default() }
    }
}

/// The answers of the last seconds, by name and port.
#[derive(Debug, Default)]
pub struct Answers {
    names: Mutex<HashMap<(String, u16), Slot>>,
}

/// Locked by the one who asks; who comes meanwhile waits for that answer.
type Slot = Arc<tokio::sync::Mutex<Option<(Instant, Vec<SocketAddr>)>>>;

impl Resolver {
    /// The operating system's resolver, with nothing remembered yet.
    pub fn system() -> Self {
        Self::System(Arc::default())
    }

    /// The addresses of a host, each with the port.
    ///
    /// # Errors
    /// When the name has none, or nobody could be asked. An error is not remembered.
    pub async fn lookup(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        if let Ok(address) = bare.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(address, port)]);
        }
        match self {
            Self::System(answers) => {
                answers
                    .get(host, port, Instant::now, async || Ok(tokio::net::lookup_host((host, port)).await?.collect()))
                    .await
            }
            Self::Table(table) => {
                found(table.get(host).into_iter().flatten().map(|address| SocketAddr::new(*address, port)).collect())
            }
            #[cfg(test)]
            Self::Script(script) => {
                found(script.next(host).into_iter().map(|address| SocketAddr::new(address, port)).collect())
            }
        }
    }
}

impl Answers {
    async fn get<F: Future<Output = io::Result<Vec<SocketAddr>>>>(
        &self,
        host: &str,
        port: u16,
        now: impl Fn() -> Instant,
        ask: impl FnOnce() -> F,
    ) -> io::Result<Vec<SocketAddr>> {
        let slot = self.slot(host, port, now());
        let mut slot = slot.lock().await;
        if let Some((at, addresses)) = &*slot
            && now().saturating_duration_since(*at) < STANDS
        {
            return Ok(addresses.clone());
        }
        let addresses = found(ask().await?)?;
        *slot = Some((now(), addresses.clone()));
        Ok(addresses)
    }

    fn slot(&self, host: &str, port: u16, now: Instant) -> Slot {
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        if names.len() >= MOST {
            // A slot that is locked is being asked for.
            names.retain(|_, slot| {
                slot.try_lock().map_or(true, |slot| {
                    slot.as_ref().is_some_and(|(at, _)| now.saturating_duration_since(*at) < STANDS)
                })
            });
        }
        Arc::clone(names.entry((host.to_owned(), port)).or_default())
    }
}

fn found(addresses: Vec<SocketAddr>) -> io::Result<Vec<SocketAddr>> {
    if addresses.is_empty() { Err(io::ErrorKind::NotFound.into()) } else { Ok(addresses) }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// Answers after every one who asks has had its turn; counts how often it was asked.
    async fn ask(asked: &AtomicUsize, good: bool) -> io::Result<Vec<SocketAddr>> {
        asked.fetch_add(1, Ordering::SeqCst);
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        if good { Ok(vec!["192.0.2.1:443".parse().unwrap()]) } else { Err(io::ErrorKind::TimedOut.into()) }
    }

    #[tokio::test]
    async fn many_who_ask_at_once_are_one_question() {
        let (answers, asked) = (Arc::new(Answers::default()), Arc::new(AtomicUsize::new(0)));
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..60 {
            let (answers, asked) = (Arc::clone(&answers), Arc::clone(&asked));
            tasks.spawn(async move { answers.get("index.test", 443, Instant::now, || ask(&asked, true)).await });
        }
        for answer in tasks.join_all().await {
            assert_eq!(answer.unwrap(), ["192.0.2.1:443".parse().unwrap()]);
        }
        assert_eq!(asked.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn an_answer_stands_for_seconds_and_an_error_for_nobody() {
        let (answers, asked, start) = (Answers::default(), AtomicUsize::new(0), Instant::now());
        let at = |seconds| move || start + Duration::from_secs(seconds);
        assert!(answers.get("index.test", 443, at(0), || ask(&asked, false)).await.is_err());
        assert!(answers.get("index.test", 443, at(0), || ask(&asked, true)).await.is_ok());
        assert!(answers.get("index.test", 443, at(4), || ask(&asked, false)).await.is_ok());
        assert_eq!(asked.load(Ordering::SeqCst), 2);
        assert!(answers.get("index.test", 443, at(5), || ask(&asked, false)).await.is_err());
        assert!(answers.get("index.test", 80, at(4), || ask(&asked, false)).await.is_err(), "another port is another");
    }

    #[tokio::test]
    async fn what_is_remembered_is_bounded() {
        let (answers, asked, start) = (Answers::default(), AtomicUsize::new(0), Instant::now());
        for number in 0..2 * MOST as u64 {
            let now = move || start + Duration::from_secs(number);
            answers.get(&format!("h{number}.test"), 443, now, || ask(&asked, true)).await.unwrap();
        }
        assert!(answers.names.lock().unwrap().len() <= MOST + 1);
    }
}
