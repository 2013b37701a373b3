//! Who reads next: of the archives that wait, the largest.
//!
//! An install asks for dozens at once and waits for the last. A large archive that is begun last keeps one core busy
//! while the others have nothing left to do; begun first, it is done when they are (longest processing time first:
//! Graham, Bounds on multiprocessing timing anomalies, 1969). Who has waited for [`PATIENCE`] goes before everybody, so
//! that nobody who sends large ones keeps the small ones out.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

/// After this the order is that of arrival.
const PATIENCE: Duration = Duration::from_secs(2);

/// So many may be at work.
#[derive(Debug)]
pub(super) struct Seats {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    free: usize,
    /// In the order of arrival.
    waiting: Vec<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    size: u64,
    since: Instant,
    seat: oneshot::Sender<Seat>,
}

/// Leave to work. Given back when dropped.
#[derive(Debug)]
pub(super) struct Seat {
    seats: Option<Arc<Seats>>,
}

impl Seats {
    pub(super) fn new(count: usize) -> Arc<Self> {
        Arc::new(Self { state: Mutex::new(State { free: count, waiting: Vec::new() }) })
    }

    /// Waits for a seat, for an archive of so many bytes.
    pub(super) async fn take(self: &Arc<Self>, size: u64) -> Seat {
        let coming = {
            let mut state = self.state();
            if state.free > 0 {
                state.free -= 1;
                return self.seat();
            }
            let (seat, coming) = oneshot::channel();
            state.waiting.push(Waiting { size, since: Instant::now(), seat });
            coming
        };
        coming.await.expect("invariant: a sender leaves the list of who waits only by giving a seat")
    }

    fn seat(self: &Arc<Self>) -> Seat {
        Seat { seats: Some(Arc::clone(self)) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives a seat that became free to the next, or keeps it.
    fn pass_on(self: &Arc<Self>, now: Instant) {
        let mut state = self.state();
        while let Some(next) = next(&state.waiting, now) {
            let waiting = state.waiting.remove(next);
            match waiting.seat.send(self.seat()) {
                Ok(()) => return,
                // Who waited is gone; the seat must not come back through its own drop while the list is locked.
                Err(mut seat) => drop(seat.seats.take()),
            }
        }
        state.free += 1;
    }
}

/// The one who has lost patience, else the largest; the first of equals.
fn next(waiting: &[Waiting], now: Instant) -> Option<usize> {
    if waiting.first().is_some_and(|first| now.saturating_duration_since(first.since) >= PATIENCE) {
        return Some(0);
    }
    (0..waiting.len()).min_by_key(|at| std::cmp::Reverse(waiting[*at].size))
}

impl Drop for Seat {
    fn drop(&mut self) {
        if let Some(seats) = self.seats.take() {
            seats.pass_on(Instant::now());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::task::Poll;

    use super::*;

    /// Asks for seats of these sizes in this order while none is free, then frees one after the other: who got it.
    async fn order(sizes: &[u64]) -> Vec<u64> {
        let seats = Seats::new(1);
        let mut held = seats.take(0).await;
        let mut waiting: Vec<_> = sizes.iter().map(|size| (*size, Box::pin(seats.take(*size)))).collect();
        for (_, waits) in &mut waiting {
            assert!(matches!(futures_poll(waits.as_mut()).await, Poll::Pending));
        }
        let mut order = Vec::new();
        while !waiting.is_empty() {
            drop(held);
            let mut found = None;
            for (at, (_, waits)) in waiting.iter_mut().enumerate() {
                if let Poll::Ready(seat) = futures_poll(waits.as_mut()).await {
                    assert!(found.is_none(), "one seat for one");
                    found = Some((at, seat));
                }
            }
            let (at, seat) = found.expect("somebody gets the seat");
            held = seat;
            order.push(waiting.remove(at).0);
        }
        order
    }

    async fn futures_poll<F: Future>(mut future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
        std::future::poll_fn(|context| Poll::Ready(future.as_mut().poll(context))).await
    }

    #[tokio::test]
    async fn the_largest_goes_first_and_equals_as_they_came() {
        assert_eq!(order(&[10, 500, 20, 500, 1]).await, [500, 500, 20, 10, 1]);
    }

    #[tokio::test]
    async fn who_gave_up_is_passed_over_and_no_seat_is_lost() {
        let seats = Seats::new(1);
        let held = seats.take(0).await;
        let mut gone = Box::pin(seats.take(900));
        assert!(futures_poll(gone.as_mut()).await.is_pending());
        let mut stays = Box::pin(seats.take(5));
        assert!(futures_poll(stays.as_mut()).await.is_pending());
        drop(gone);
        drop(held);
        let Poll::Ready(seat) = futures_poll(stays.as_mut()).await else { panic!("the seat went nowhere") };
        // A seat that was sent and never looked at comes back too.
        let mut unseen = Box::pin(seats.take(7));
        assert!(futures_poll(unseen.as_mut()).await.is_pending());
        drop(seat);
        drop(unseen);
        assert!(futures_poll(Box::pin(seats.take(1)).as_mut()).await.is_ready());
    }

    #[test]
    fn who_has_waited_long_goes_before_the_largest() {
        let start = Instant::now();
        let waiting = |size, after| {
            let (seat, _) = oneshot::channel();
            Waiting { size, since: start + Duration::from_millis(after), seat }
        };
        let list = [waiting(1, 0), waiting(1_000, 100), waiting(2_000, 200)];
        assert_eq!(next(&list, start + Duration::from_millis(1_900)), Some(2));
        assert_eq!(next(&list, start + PATIENCE), Some(0));
        assert_eq!(next(&[], start), None);
    }
}
