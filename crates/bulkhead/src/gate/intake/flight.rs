//! Many who want the same thing share one piece of work.

use std::collections::HashMap;
use std::future::Future;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use bulkhead_core::{Code, Problem};
use tokio::sync::watch;

use crate::tasks::Tasks;

type Answer<V> = Result<V, Problem>;
type Watch<V> = watch::Receiver<Option<Answer<V>>>;

/// Work under way, by key. The work runs as a task of its own, so that a client who hangs up does not end it for the
/// others. The mutex guards the map only and is never held across an await.
#[derive(Debug)]
pub(crate) struct Flights<K, V> {
    under_way: Arc<Mutex<HashMap<K, Watch<V>>>>,
    tasks: Tasks,
}

/// Takes the key out when the work ends, also when it ends by a panic.
struct Landing<K: Hash + Eq, V> {
    key: K,
    under_way: Arc<Mutex<HashMap<K, Watch<V>>>>,
}

impl<K: Hash + Eq, V> Drop for Landing<K, V> {
    fn drop(&mut self) {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.key);
    }
}

impl<K, V> Flights<K, V>
where
    K: Hash + Eq + Clone + Send + 'static,
    V: Clone + Send + Sync + 'static,
{
    pub(crate) fn new(tasks: Tasks) -> Self {
        Self { under_way: Arc::default(), tasks }
    }

    /// The answer of the work under that key: joined when it is under way, else started.
    pub(crate) async fn join<F>(&self, key: K, start: impl FnOnce() -> F) -> Answer<V>
    where
        F: Future<Output = Answer<V>> + Send + 'static,
    {
        let mut watch = self.watch(key, start);
        let gone =
            || Problem::new(Code::Bug, "a shared fetch ended without an answer").with_help("ask again; see the log");
        let landed = watch.wait_for(Option::is_some).await.map_err(|_| gone())?;
        landed.clone().unwrap_or_else(|| Err(gone()))
    }

    /// Whether work under that key is under way.
    pub(crate) fn contains(&self, key: &K) -> bool {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner).contains_key(key)
    }

    fn watch<F>(&self, key: K, start: impl FnOnce() -> F) -> Watch<V>
    where
        F: Future<Output = Answer<V>> + Send + 'static,
    {
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(watch) = under_way.get(&key) {
            return watch.clone();
        }
        let (sender, watch) = watch::channel(None);
        under_way.insert(key.clone(), watch.clone());
        let landing = Landing { key, under_way: Arc::clone(&self.under_way) };
        let work = start();
        self.tasks.spawn(async move {
            let answer = work.await;
            // The key goes before the answer is told: whoever asks after the answer finds the stored result instead.
            drop(landing);
            sender.send_replace(Some(answer));
        });
        watch
    }
}
