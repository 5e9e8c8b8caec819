//! Asking the API server what it lets this process do, or the account in whose name it asks. Everybody may ask that of himself.

use std::time::Duration;

use futures::{StreamExt, TryStreamExt, stream};
use k8s_openapi::api::authorization::v1::{ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec};
use kube::{Api, Client, api::PostParams};
use tokio::time::{error::Elapsed, timeout};

use super::{Right, Rulebook};

/// Questions under way. They are answered from the API server's memory, within a millisecond or so.
const AT_ONCE: usize = 8;
/// Grants may list names without end; what is beyond this shows when it is used.
const QUESTIONS: usize = 256;
/// For all of them.
const PATIENCE: Duration = Duration::from_secs(10);

/// The API server did not say. That is no proof that a right is missing.
#[derive(Debug, thiserror::Error)]
pub enum ReviewError {
    /// A question was refused or not understood.
    #[error("the API server cannot be asked what it allows: {0}")]
    Refused(#[from] kube::Error),
    /// Too slow.
    #[error("the API server did not say in time what it allows")]
    Late(#[from] Elapsed),
}

/// What of these rights whoever asks by this client does not have, by the API server's own word. What its list of rules, which
/// is in the rulebook of the same asker, does not answer is asked one by one.
pub async fn missing(client: &Client, rulebook: &mut Rulebook, rights: &[Right]) -> Result<Vec<Right>, ReviewError> {
    let questions = rights
        .iter()
        .enumerate()
        .flat_map(|(place, right)| questions(right).map(move |question| (place, question)))
        .take(QUESTIONS);
    let refused = timeout(PATIENCE, async {
        let mut open = Vec::new();
        for (place, question) in questions {
            if !rulebook.allows(client, &question).await {
                open.push((place, question));
            }
        }
        refused(client, open).await
    });
    let refused = refused.await??;

    let mut missing: Vec<(usize, Right)> = Vec::new();
    for (place, attributes) in refused {
        if missing.last().is_none_or(|(last, _)| *last != place) {
            missing.push((place, Right { verbs: Vec::new(), names: Vec::new(), ..rights[place].clone() }));
        }
        if let Some((_, right)) = missing.last_mut() {
            add_once(&mut right.verbs, attributes.verb);
            add_once(&mut right.names, attributes.name);
        }
    }
    Ok(missing.into_iter().map(|(_, right)| right).collect())
}

/// The questions that are answered with no.
async fn refused(
    client: &Client,
    questions: Vec<(usize, ResourceAttributes)>,
) -> Result<Vec<(usize, ResourceAttributes)>, kube::Error> {
    let reviews: Api<SelfSubjectAccessReview> = Api::all(client.clone());
    let asked = stream::iter(questions).map(|(place, attributes)| {
        let reviews = &reviews;
        async move {
            let allowed = ask(reviews, &attributes).await?;
            Ok::<_, kube::Error>((!allowed).then_some((place, attributes)))
        }
    });
    asked.buffered(AT_ONCE).try_filter_map(async |refused| Ok(refused)).try_collect().await
}

async fn ask(reviews: &Api<SelfSubjectAccessReview>, attributes: &ResourceAttributes) -> Result<bool, kube::Error> {
    let spec = SelfSubjectAccessReviewSpec {
        resource_attributes: Some(attributes.clone()),
        ..SelfSubjectAccessReviewSpec::default()
    };
    let review = SelfSubjectAccessReview { spec, ..SelfSubjectAccessReview::default() };
    let answer = reviews.create(&PostParams::default(), &review).await?;
    Ok(answer.status.is_some_and(|status| status.allowed))
}

/// One for each verb and name.
fn questions(right: &Right) -> impl Iterator<Item = ResourceAttributes> {
    let (resource, subresource) = match right.resource.split_once('/') {
        Some((resource, subresource)) => (resource, Some(subresource.to_owned())),
        None => (right.resource.as_str(), None),
    };
    let names: Vec<Option<String>> =
        if right.names.is_empty() { vec![None] } else { right.names.iter().cloned().map(Some).collect() };
    right.verbs.iter().flat_map(move |verb| {
        let subresource = subresource.clone();
        names.clone().into_iter().map(move |name| ResourceAttributes {
            group: Some(right.group.clone()),
            resource: Some(resource.to_owned()),
            subresource: subresource.clone(),
            verb: Some(verb.clone()),
            namespace: right.namespace.clone(),
            name,
            ..ResourceAttributes::default()
        })
    })
}

fn add_once(list: &mut Vec<String>, entry: Option<String>) {
    if let Some(entry) = entry
        && !list.contains(&entry)
    {
        list.push(entry);
    }
}

#[cfg(test)]
mod tests;
