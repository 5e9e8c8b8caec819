//! Asking the API server who it takes us for.

use std::{collections::BTreeSet, time::Duration};

use capstan_api::ServiceAccount;
use k8s_openapi::api::authentication::v1::SelfSubjectReview;
use kube::{Api, Client, api::PostParams};
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(10);

/// Whether what this client asks counts as asked by the account and nobody else; if not, why. A proxy that drops headers, or
/// credentials that impersonate somebody already, would have a provider act with rights that it was not given.
pub(crate) async fn check(client: &Client, account: &ServiceAccount) -> Result<(), String> {
    let reviews: Api<SelfSubjectReview> = Api::all(client.clone());
    let review = SelfSubjectReview::default();
    let answer = match timeout(PATIENCE, reviews.create(&PostParams::default(), &review)).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(error)) => return Err(format!("it cannot be asked whom it takes them for: {error}")),
        Err(_) => return Err("it did not say in time whom it takes them for".to_owned()),
    };
    let info = answer.status.and_then(|status| status.user_info).unwrap_or_default();
    let user = info.username.unwrap_or_default();
    let groups: BTreeSet<String> = info.groups.unwrap_or_default().into_iter().collect();
    if user == account.user() && groups == BTreeSet::from(account.groups()) {
        return Ok(());
    }
    let groups: Vec<String> = groups.into_iter().collect();
    Err(format!(
        "it takes them for those of user {user} in the groups {}: is there a proxy that drops or adds headers, or does the host's \
         kubeconfig impersonate somebody already?",
        groups.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use http::{Request, Response};
    use kube::client::Body;
    use serde_json::{Value, json};

    use super::*;

    fn client(code: u16, answer: Value) -> Client {
        let service = tower::service_fn(move |_: Request<Body>| {
            let body = Body::from(answer.to_string().into_bytes());
            async move { Ok::<_, Infallible>(Response::builder().status(code).body(body).unwrap()) }
        });
        Client::new(service, "default")
    }

    fn taken_for(user: &str, groups: &[&str]) -> Client {
        client(201, json!({"metadata": {}, "status": {"userInfo": {"username": user, "groups": groups}}}))
    }

    #[tokio::test]
    async fn only_the_account_itself_passes() {
        const USER: &str = "system:serviceaccount:team-a:patch";
        const GROUPS: [&str; 3] = ["system:authenticated", "system:serviceaccounts", "system:serviceaccounts:team-a"];
        let account = ServiceAccount::new("team-a", "patch").unwrap();
        assert_eq!(check(&taken_for(USER, &GROUPS), &account).await, Ok(()));
        for (user, groups) in [
            ("system:serviceaccount:capstan-system:capstan", &GROUPS[..]),
            ("system:anonymous", &["system:unauthenticated"]),
            (
                USER,
                &["system:authenticated", "system:masters", "system:serviceaccounts", "system:serviceaccounts:team-a"],
            ),
            (USER, &[]),
        ] {
            let problem = check(&taken_for(user, groups), &account).await.unwrap_err();
            assert!(problem.contains(user), "{problem}");
        }
        let refused = json!({"kind": "Status", "code": 403, "reason": "Forbidden", "message": "cannot impersonate"});
        let problem = check(&client(403, refused), &account).await.unwrap_err();
        assert!(problem.contains("cannot impersonate"), "{problem}");
    }
}
