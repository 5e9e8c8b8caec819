//! What a test can read afterwards: the requests that came, and what about them was not as GitHub describes.

use std::collections::VecDeque;

use jiff::Timestamp;

/// How many exchanges and violations are kept; the oldest go first. A simulated day has tens of thousands.
const KEPT: usize = 200_000;

/// A request and its answer.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// When it came, by the fake's clock.
    pub at: Timestamp,
    /// The method.
    pub method: String,
    /// The path as it came, without the prefix and the query.
    pub path: String,
    /// The query as it came; empty if there was none.
    pub query: String,
    /// GitHub's name of the operation; none if it describes none such.
    pub operation: Option<String>,
    /// Who asked: the login, the app's slug, or none without a token.
    pub actor: Option<String>,
    /// The status of the answer; none if the connection was dropped.
    pub status: Option<u16>,
    /// What it cost of the primary quota: 0 or 1.
    pub cost: u64,
    /// When the hour ends that it was counted in; none if it was not counted.
    pub reset: Option<Timestamp>,
    /// Whether it was conditional (`if-none-match`).
    pub conditional: bool,
    /// The `x-github-request-id` of the answer.
    pub request_id: String,
}

/// Whose fault a violation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The client asked for something that GitHub does not describe.
    Request,
    /// The fake answered something that GitHub does not describe.
    Answer,
}

/// Something that GitHub's description does not allow.
#[derive(Clone, Debug)]
pub struct Violation {
    /// Whose fault it is.
    pub side: Side,
    /// The method and the path.
    pub request: String,
    /// What is not as described.
    pub problem: String,
}

/// Both logs.
#[derive(Debug, Default)]
pub(crate) struct Record {
    pub(crate) exchanges: VecDeque<Exchange>,
    pub(crate) violations: VecDeque<Violation>,
}

impl Record {
    pub(crate) fn exchange(&mut self, exchange: Exchange) {
        keep(&mut self.exchanges, exchange);
    }

    pub(crate) fn violation(&mut self, side: Side, request: &str, problems: Vec<String>) {
        for problem in problems {
            keep(&mut self.violations, Violation { side, request: request.to_owned(), problem });
        }
    }
}

fn keep<T>(kept: &mut VecDeque<T>, item: T) {
    if kept.len() == KEPT {
        kept.pop_front();
    }
    kept.push_back(item);
}
