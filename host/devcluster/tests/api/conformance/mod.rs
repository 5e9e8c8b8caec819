//! Exact answers, as recorded from kube-apiserver 1.37.1.

mod kinds;
mod refusals;
mod writes;

use crate::caller::Answer;

/// The message of a `Status`, after checking the parts that belong to every one.
fn refused(answer: &Answer, code: u16, reason: &str) -> String {
    assert_eq!(answer.code, code, "{}", answer.text);
    assert_eq!(answer.body["kind"], "Status");
    assert_eq!(answer.body["status"], "Failure");
    assert_eq!(answer.body["code"], code);
    assert_eq!(answer.body["reason"], reason);
    answer.body["message"].as_str().unwrap().to_owned()
}
