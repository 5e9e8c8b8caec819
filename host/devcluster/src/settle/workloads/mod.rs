//! Workloads: their status becomes what a healthy cluster would end with. No Pods are made for it.
//!
//! A real cluster has controllers and kubelets that write these statuses while Pods come up. Here nothing runs, so that the
//! end of a good day is all there is to say: every replica is ready, every Job has succeeded, every Pod is running.
//!
//! Only a new generation counts, which is a new desired state. A status that somebody else writes is left alone until
//! then, so that nobody is fought over it, and writing a status never leads to writing the next one.

mod conditions;
mod daemon_set;
mod deployment;
mod job;
mod pod;
mod replica_set;
mod stateful_set;

use serde_json::{Map, Value, json};

use crate::apply::{Manager, Operation, changes};
use crate::cluster::Cluster;
use crate::object::{ObjectExt, now, set_member};
use crate::resource::{Rules, Workload};
use crate::store::ObjectRef;

impl Cluster {
    /// Writes the status that follows from the desired state of a workload.
    pub(super) fn settle_workload(&mut self, at: &ObjectRef) {
        let (Some(resource), Some(object)) = (self.resource_of(at), self.store.get(at).cloned()) else {
            return;
        };
        let Rules::Workload(workload) = resource.rules else { return };
        if object.value.is_deleting() {
            return;
        }
        let now = now();
        let mut value = object.value.clone();
        if !value["status"].is_object() {
            value["status"] = json!({});
        }
        let status = match workload {
            Workload::DaemonSet => daemon_set::status,
            Workload::Deployment => deployment::status,
            Workload::Job => job::status,
            Workload::Pod => pod::status,
            Workload::ReplicaSet => replica_set::status,
            Workload::StatefulSet => stateful_set::status,
        };
        let status = status(&value, &now);
        set_member(&mut value, "status", Some(status));
        if value == object.value {
            return;
        }
        // As on a real cluster, so that appliers of a status meet the same owners.
        let manager = if workload == Workload::Pod { "kubelet" } else { "kube-controller-manager" };
        let manager = Manager {
            name: manager.to_owned(),
            operation: Operation::Update,
            api_version: resource.api_version(),
            subresource: "status".to_owned(),
        };
        changes::record_update(&object.value, &mut value, resource.storage_schema(), &manager, &now);
        self.put(&resource, at, value, object.schema_id);
    }
}

/// The number of replicas that is asked for.
fn replicas(workload: &Value) -> u64 {
    workload["spec"]["replicas"].as_u64().unwrap_or(1)
}

/// Sets counters to one number. Kubernetes leaves most counters out when they are zero.
fn count(status: &mut Value, counters: &[&str], number: u64) {
    for counter in counters {
        set_member(status, counter, (number > 0).then(|| json!(number)));
    }
}

/// A copy of the status that already knows the newest desired state.
fn observed(workload: &Value) -> Value {
    let mut status = workload["status"].as_object().cloned().unwrap_or_else(Map::new);
    status.insert("observedGeneration".to_owned(), workload["metadata"]["generation"].clone());
    Value::Object(status)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const NOW: &str = "2026-01-01T00:00:00Z";
    const LATER: &str = "2026-01-01T01:00:00Z";

    fn condition<'a>(status: &'a Value, ty: &str) -> &'a Value {
        status["conditions"].as_array().unwrap().iter().find(|condition| condition["type"] == ty).unwrap()
    }

    fn workload(spec: &Value, status: &Value) -> Value {
        json!({"metadata": {"name": "w", "generation": 2}, "spec": spec, "status": status})
    }

    #[test]
    fn counters_follow_the_replicas_and_vanish_at_zero() {
        let first = deployment::status(&workload(&json!({"replicas": 3}), &json!({})), NOW);
        assert_eq!((&first["readyReplicas"], &first["observedGeneration"]), (&json!(3), &json!(2)));
        let scaled = deployment::status(&workload(&json!({"replicas": 0}), &first), LATER);
        assert_eq!(scaled.get("readyReplicas"), None);
        assert_eq!(condition(&scaled, "Available"), condition(&first, "Available"), "nothing changed about that");
    }

    #[test]
    fn a_paused_deployment_says_so_until_it_is_resumed() {
        let paused = deployment::status(&workload(&json!({"replicas": 1, "paused": true}), &json!({})), NOW);
        assert_eq!(condition(&paused, "Progressing")["reason"], "DeploymentPaused");
        let resumed = deployment::status(&workload(&json!({"replicas": 1}), &paused), LATER);
        assert_eq!(condition(&resumed, "Progressing")["reason"], "NewReplicaSetAvailable");
        assert_eq!(condition(&resumed, "Progressing")["lastTransitionTime"], LATER);
    }

    #[test]
    fn the_revision_of_a_stateful_set_follows_its_template() {
        let of = |image: &str| {
            let spec = json!({"replicas": 2, "template": {"spec": {"containers": [{"name": "c", "image": image}]}}});
            stateful_set::status(&workload(&spec, &json!({})), NOW)
        };
        assert_eq!(of("a")["updateRevision"], of("a")["currentRevision"]);
        assert_ne!(of("a")["updateRevision"], of("b")["updateRevision"]);
    }

    #[test]
    fn a_suspended_job_waits_and_a_finished_one_stays_as_it_is() {
        let suspended = job::status(&workload(&json!({"completions": 2, "suspend": true}), &json!({})), NOW);
        assert_eq!(condition(&suspended, "Suspended")["status"], "True");
        assert_eq!(suspended.get("startTime"), None);
        let done = job::status(&workload(&json!({"completions": 2, "suspend": false}), &suspended), LATER);
        assert_eq!((&done["succeeded"], &done["completionTime"]), (&json!(2), &json!(LATER)));
        assert_eq!(condition(&done, "Suspended")["status"], "False");
        assert_eq!(condition(&done, "Complete")["status"], "True");
        assert_eq!(job::status(&workload(&json!({"completions": 9}), &done), "never"), done);
        let idle = job::status(&workload(&json!({"parallelism": 0}), &json!({})), NOW);
        assert_eq!(idle.get("succeeded"), None, "a Job without Pods does not get anywhere");
    }

    #[test]
    fn indexed_jobs_list_their_indices() {
        let of = |completions: u64| {
            let spec = json!({"completions": completions, "completionMode": "Indexed"});
            job::status(&workload(&spec, &json!({})), NOW)["completedIndexes"].clone()
        };
        assert_eq!([of(1), of(2), of(4)], ["0", "0,1", "0-3"]);
    }

    #[test]
    fn a_pod_runs_all_its_containers_after_the_initial_ones() {
        let spec = json!({
            "initContainers": [{"name": "once", "image": "i"}, {"name": "side", "image": "i", "restartPolicy": "Always"}],
            "containers": [{"name": "main", "image": "m"}],
        });
        let status = pod::status(&workload(&spec, &json!({})), NOW);
        assert_eq!((&status["phase"], &status["qosClass"]), (&json!("Running"), &json!("BestEffort")));
        for ty in ["PodScheduled", "Initialized", "ContainersReady", "Ready"] {
            assert_eq!(condition(&status, ty)["status"], "True", "{ty}");
        }
        assert_eq!(status["containerStatuses"][0]["state"], json!({"running": {"startedAt": NOW}}));
        assert_eq!(status["initContainerStatuses"][0]["state"]["terminated"]["reason"], "Completed");
        assert_eq!(status["initContainerStatuses"][1]["state"], json!({"running": {"startedAt": NOW}}));

        let mut restarted = status.clone();
        restarted["containerStatuses"][0]["restartCount"] = json!(4);
        let other = json!({"containers": [{"name": "main", "image": "n"}]});
        let status = pod::status(&workload(&other, &restarted), LATER);
        assert_eq!(status["containerStatuses"][0]["image"], "n");
        assert_eq!(status["containerStatuses"][0]["restartCount"], 4);
        assert_eq!(status["startTime"], NOW);
    }

    #[test]
    fn a_gated_pod_is_not_scheduled_and_a_finished_one_stays_as_it_is() {
        let gated = json!({"schedulingGates": [{"name": "g"}], "containers": [{"name": "a"}]});
        let pending = pod::status(&workload(&gated, &json!({})), NOW);
        assert_eq!((&pending["phase"], pending.get("containerStatuses")), (&json!("Pending"), None));
        assert_eq!(condition(&pending, "PodScheduled")["reason"], "SchedulingGated");
        let finished = json!({"phase": "Succeeded"});
        let status = pod::status(&workload(&json!({"containers": [{"name": "a"}]}), &finished), NOW);
        assert_eq!(status, json!({"phase": "Succeeded", "observedGeneration": 2}));
    }

    #[test]
    fn the_quality_of_service_follows_the_resources() {
        let of = |resources: &Value| {
            let spec = json!({"containers": [{"name": "a", "resources": resources}]});
            pod::status(&workload(&spec, &json!({})), NOW)["qosClass"].clone()
        };
        let all = json!({"cpu": "1", "memory": "1Gi"});
        assert_eq!(of(&json!({"limits": all, "requests": all})), "Guaranteed");
        assert_eq!(of(&json!({"limits": all})), "Guaranteed");
        assert_eq!(of(&json!({"requests": {"cpu": "1"}})), "Burstable");
        assert_eq!(of(&json!({})), "BestEffort");
    }
}
