//! The handle of a proxy: what happens to its connections from now on, and what happened so far.

use std::{num::NonZeroUsize, sync::Arc, time::Duration};

use tokio::time::{Instant, sleep_until};

use crate::{
    rules::{Counts, Dribble, Rules, Shared, Way},
    script::{Action, After, Step},
};

/// Changes what a [`Proxy`](crate::Proxy) does. Clones act on the same proxy; after its end they have no effect.
///
/// A rule holds for all connections, those that are open and those to come, until it is set anew or healed. Delay,
/// stall and dribble hold together, per direction. Each method returns at once and connections follow soon after: what
/// is just being written may still pass.
#[derive(Debug, Clone)]
pub struct Control {
    shared: Arc<Shared>,
}

impl Control {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Forwards every byte and the end of a direction this long after it came; zero is no delay.
    ///
    /// Order and spacing are kept. Bytes that already wait get the new delay too. Never early; late by 0 to 2 ms, 0.5 ms
    /// in the mean on a machine that has time, because tokio's timer counts whole milliseconds; in a direction that
    /// dribbles too, by 1 ms more. A delay below 1 ms keeps a CPU busy while bytes wait.
    ///
    /// The queue is bounded (see [`Proxy`](crate::Proxy)), so that a connection carries at most 256 KiB per delay.
    pub fn delay(&self, way: Way, delay: Duration) {
        self.change(|rules| rules.way_mut(way).delay = delay);
    }

    /// Reads nothing and forwards nothing, until healed. What was read before waits and loses nothing.
    ///
    /// The sender can still fill the buffers of the kernel, a few megabytes on loopback.
    pub fn stall(&self, way: Way) {
        self.change(|rules| rules.way_mut(way).stalled = true);
    }

    /// Forwards pieces of at most `piece_bytes` (0 counts as 1, and more than 16 KiB as 16 KiB), `every` apart.
    ///
    /// Each piece is one write. They may reach the receiver together when `every` is short.
    pub fn dribble(&self, way: Way, piece_bytes: usize, every: Duration) {
        let piece_bytes = NonZeroUsize::new(piece_bytes).unwrap_or(NonZeroUsize::MIN);
        self.change(|rules| rules.way_mut(way).dribble = Some(Dribble { piece_bytes, every }));
    }

    /// Resets all connections on both sides, and every later one as soon as it is accepted, until healed.
    ///
    /// A connection that the kernel has made but the proxy has not yet accepted counts as a later one. A server whose
    /// connection is just being made may see an end instead of a reset.
    pub fn cut(&self) {
        self.change(|rules| {
            rules.refusing = true;
            rules.cuts += 1;
        });
    }

    /// Tells the receiver of this direction the end, now, on the connections that are open; the other direction goes on.
    ///
    /// What waits is lost, and so is what the sender goes on to send: it is read and thrown away, uncounted.
    pub fn half_close(&self, way: Way) {
        self.change(|rules| rules.way_mut(way).half_closes += 1);
    }

    /// Back to plain forwarding: what waits goes on at once, new connections live. What was cut or half-closed stays so.
    pub fn heal(&self) {
        self.change(Rules::heal);
    }

    /// How many connections are open: accepted, neither refused nor ended.
    pub fn connections(&self) -> usize {
        self.shared.counts.borrow().open
    }

    /// How many connections were ever accepted, with those that were refused after a cut.
    pub fn accepted(&self) -> u64 {
        self.shared.counts.borrow().accepted
    }

    /// How many bytes were ever forwarded in this direction, over all connections.
    pub fn bytes(&self, way: Way) -> u64 {
        self.shared.counts.borrow().bytes(way)
    }

    /// Performs the steps in order, each as soon as its condition holds.
    ///
    /// A condition counts from the step before it, the first one from this call. A condition that never comes true
    /// makes it wait for ever, also after the proxy's end.
    ///
    /// # Cancel safety
    ///
    /// Dropped early, it has performed a beginning of the script; what that did stays, unhealed.
    pub fn play(&self, script: Vec<Step>) -> impl Future<Output = ()> + Send + use<> {
        let control = self.clone();
        let mut from = control.now();
        async move {
            for step in script {
                control.until(from, step.after).await;
                control.perform(step.act);
                from = control.now();
            }
        }
    }

    fn now(&self) -> (Instant, Counts) {
        (Instant::now(), *self.shared.counts.borrow())
    }

    /// Waits until `after` holds, counted from what was the case then.
    async fn until(&self, (then, before): (Instant, Counts), after: After) {
        let mut counts = self.shared.counts.subscribe();
        let reached = match after {
            After::Time(span) => return sleep_until(then + span).await,
            After::Bytes(way, bytes) => counts.wait_for(|now| now.bytes(way) - before.bytes(way) >= bytes).await,
            After::Connections(count) => counts.wait_for(|now| now.accepted - before.accepted >= count).await,
        };
        debug_assert!(reached.is_ok(), "this handle keeps the counts alive");
    }

    fn perform(&self, action: Action) {
        match action {
            Action::Delay(way, delay) => self.delay(way, delay),
            Action::Stall(way) => self.stall(way),
            Action::Dribble { way, piece_bytes, every } => self.dribble(way, piece_bytes, every),
            Action::Cut => self.cut(),
            Action::HalfClose(way) => self.half_close(way),
            Action::Heal => self.heal(),
        }
    }

    fn change(&self, change: impl FnOnce(&mut Rules)) {
        self.shared.rules.send_modify(change);
    }
}
