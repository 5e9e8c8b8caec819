//! Looking into the queues of controllers at work.
//!
//! A queue belongs to the task of its controller, so the controller is asked. One that does not answer is stuck, or stops:
//! that is an answer too.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures::future::join_all;
use serde::Serialize;
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};

use crate::queue::Listing;

/// The queues of the controllers of a host. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Queues(Arc<Mutex<Asked>>);

#[derive(Debug, Default)]
struct Asked {
    /// Controllers come and go; two of one name may overlap.
    controllers: BTreeMap<(String, u64), mpsc::Sender<Question>>,
    entered: u64,
}

/// To be answered with what stands in the queue.
pub(crate) type Question = oneshot::Sender<Listing>;

/// The queue of one controller.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ControllerQueue {
    /// `PROVIDER/KIND.VERSION.GROUP`, as in metrics.
    pub controller: String,
    /// `None`: it did not answer in time.
    pub queue: Option<Listing>,
}

impl Queues {
    /// Asks every controller, all at once, and waits for each no longer than `patience`. In the order of their names.
    pub async fn ask(&self, patience: Duration) -> Vec<ControllerQueue> {
        let controllers = self.lock().controllers.clone();
        let asked = controllers.into_iter().map(async |((controller, _), questions)| {
            let answer = async {
                let (question, answer) = oneshot::channel();
                questions.send(question).await.ok()?;
                answer.await.ok()
            };
            ControllerQueue { controller, queue: timeout(patience, answer).await.ok().flatten() }
        });
        join_all(asked).await
    }

    /// From now on a controller is asked, until the answer is dropped.
    pub(crate) fn enter(&self, controller: &str) -> Questions {
        // Who looks is a person: one question waits while another is answered.
        let (sender, receiver) = mpsc::channel(1);
        let mut asked = self.lock();
        asked.entered += 1;
        let id = (controller.to_owned(), asked.entered);
        asked.controllers.insert(id.clone(), sender);
        Questions { receiver, id, queues: self.clone() }
    }

    fn lock(&self) -> MutexGuard<'_, Asked> {
        // A map is whole after a panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What one controller is asked.
#[derive(Debug)]
pub(crate) struct Questions {
    receiver: mpsc::Receiver<Question>,
    id: (String, u64),
    queues: Queues,
}

impl Questions {
    /// Waits until somebody asks; `None` when nobody can any more. Nothing is lost if the future is dropped.
    pub(crate) async fn next(&mut self) -> Option<Question> {
        self.receiver.recv().await
    }
}

impl Drop for Questions {
    fn drop(&mut self) {
        self.queues.lock().controllers.remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_does_not_answer_is_named_and_holds_up_nobody() {
        let queues = Queues::default();
        let mut answering = queues.enter("p/B");
        let silent = queues.enter("p/A");
        tokio::spawn(async move {
            while let Some(question) = answering.next().await {
                question.send(Listing { due: 3, ..Listing::default() }).unwrap();
            }
        });
        for _ in 0..3 {
            let told = queues.ask(Duration::from_secs(1)).await;
            let told: Vec<_> = told.iter().map(|one| (one.controller.as_str(), one.queue.as_ref())).collect();
            assert_eq!(told, [("p/A", None), ("p/B", Some(&Listing { due: 3, ..Listing::default() }))]);
        }
        drop(silent);
        assert_eq!(queues.ask(Duration::from_secs(1)).await.len(), 1);
    }
}
