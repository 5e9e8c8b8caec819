//! The kinds of Kubernetes itself, as version 1.37 serves them. They change so seldom that a cluster need not be asked.

use super::Served;

const STATUS: u8 = 1;
const SCALE: u8 = 2;

/// Kind, plural, subresources.
type Row = (&'static str, &'static str, u8);

/// Kinds of one group that are in namespaces, and those that are not.
struct Group {
    name: &'static str,
    namespaced: &'static [Row],
    cluster: &'static [Row],
}

/// Without kinds that are only asked and never kept, such as reviews.
const GROUPS: &[Group] = &[
    Group {
        name: "",
        namespaced: &[
            ("ConfigMap", "configmaps", 0),
            ("Endpoints", "endpoints", 0),
            ("Event", "events", 0),
            ("LimitRange", "limitranges", 0),
            ("PersistentVolumeClaim", "persistentvolumeclaims", STATUS),
            ("Pod", "pods", STATUS),
            ("PodTemplate", "podtemplates", 0),
            ("ReplicationController", "replicationcontrollers", STATUS | SCALE),
            ("ResourceQuota", "resourcequotas", STATUS),
            ("Secret", "secrets", 0),
            ("Service", "services", STATUS),
            ("ServiceAccount", "serviceaccounts", 0),
        ],
        cluster: &[
            ("Namespace", "namespaces", STATUS),
            ("Node", "nodes", STATUS),
            ("PersistentVolume", "persistentvolumes", STATUS),
        ],
    },
    Group {
        name: "admissionregistration.k8s.io",
        namespaced: &[],
        cluster: &[
            ("MutatingAdmissionPolicy", "mutatingadmissionpolicies", 0),
            ("MutatingAdmissionPolicyBinding", "mutatingadmissionpolicybindings", 0),
            ("MutatingWebhookConfiguration", "mutatingwebhookconfigurations", 0),
            ("ValidatingAdmissionPolicy", "validatingadmissionpolicies", STATUS),
            ("ValidatingAdmissionPolicyBinding", "validatingadmissionpolicybindings", 0),
            ("ValidatingWebhookConfiguration", "validatingwebhookconfigurations", 0),
        ],
    },
    Group {
        name: "apiextensions.k8s.io",
        namespaced: &[],
        cluster: &[("CustomResourceDefinition", "customresourcedefinitions", STATUS)],
    },
    Group { name: "apiregistration.k8s.io", namespaced: &[], cluster: &[("APIService", "apiservices", STATUS)] },
    Group {
        name: "apps",
        namespaced: &[
            ("ControllerRevision", "controllerrevisions", 0),
            ("DaemonSet", "daemonsets", STATUS),
            ("Deployment", "deployments", STATUS | SCALE),
            ("ReplicaSet", "replicasets", STATUS | SCALE),
            ("StatefulSet", "statefulsets", STATUS | SCALE),
        ],
        cluster: &[],
    },
    Group {
        name: "autoscaling",
        namespaced: &[("HorizontalPodAutoscaler", "horizontalpodautoscalers", STATUS)],
        cluster: &[],
    },
    Group { name: "batch", namespaced: &[("CronJob", "cronjobs", STATUS), ("Job", "jobs", STATUS)], cluster: &[] },
    Group {
        name: "certificates.k8s.io",
        namespaced: &[("PodCertificateRequest", "podcertificaterequests", STATUS)],
        cluster: &[
            ("CertificateSigningRequest", "certificatesigningrequests", STATUS),
            ("ClusterTrustBundle", "clustertrustbundles", 0),
        ],
    },
    Group { name: "coordination.k8s.io", namespaced: &[("Lease", "leases", 0)], cluster: &[] },
    Group { name: "discovery.k8s.io", namespaced: &[("EndpointSlice", "endpointslices", 0)], cluster: &[] },
    Group { name: "events.k8s.io", namespaced: &[("Event", "events", 0)], cluster: &[] },
    Group {
        name: "flowcontrol.apiserver.k8s.io",
        namespaced: &[],
        cluster: &[
            ("FlowSchema", "flowschemas", STATUS),
            ("PriorityLevelConfiguration", "prioritylevelconfigurations", STATUS),
        ],
    },
    Group {
        name: "networking.k8s.io",
        namespaced: &[("Ingress", "ingresses", STATUS), ("NetworkPolicy", "networkpolicies", 0)],
        cluster: &[
            ("IPAddress", "ipaddresses", 0),
            ("IngressClass", "ingressclasses", 0),
            ("ServiceCIDR", "servicecidrs", STATUS),
        ],
    },
    Group { name: "node.k8s.io", namespaced: &[], cluster: &[("RuntimeClass", "runtimeclasses", 0)] },
    Group { name: "policy", namespaced: &[("PodDisruptionBudget", "poddisruptionbudgets", STATUS)], cluster: &[] },
    Group {
        name: "rbac.authorization.k8s.io",
        namespaced: &[("Role", "roles", 0), ("RoleBinding", "rolebindings", 0)],
        cluster: &[("ClusterRole", "clusterroles", 0), ("ClusterRoleBinding", "clusterrolebindings", 0)],
    },
    Group {
        name: "resource.k8s.io",
        namespaced: &[
            ("ResourceClaim", "resourceclaims", STATUS),
            ("ResourceClaimTemplate", "resourceclaimtemplates", 0),
        ],
        cluster: &[
            ("DeviceClass", "deviceclasses", 0),
            ("DeviceTaintRule", "devicetaintrules", STATUS),
            ("ResourceSlice", "resourceslices", 0),
        ],
    },
    Group { name: "scheduling.k8s.io", namespaced: &[], cluster: &[("PriorityClass", "priorityclasses", 0)] },
    Group {
        name: "storage.k8s.io",
        namespaced: &[("CSIStorageCapacity", "csistoragecapacities", 0)],
        cluster: &[
            ("CSIDriver", "csidrivers", 0),
            ("CSINode", "csinodes", STATUS),
            ("StorageClass", "storageclasses", 0),
            ("VolumeAttachment", "volumeattachments", STATUS),
            ("VolumeAttributesClass", "volumeattributesclasses", 0),
        ],
    },
    Group {
        name: "storagemigration.k8s.io",
        namespaced: &[],
        cluster: &[("StorageVersionMigration", "storageversionmigrations", STATUS)],
    },
];

/// All of them.
pub(super) fn kinds() -> impl Iterator<Item = Served> {
    GROUPS.iter().flat_map(|group| {
        let rows = [(group.namespaced, true), (group.cluster, false)];
        rows.into_iter().flat_map(move |(rows, namespaced)| {
            rows.iter().map(move |(kind, plural, subresources)| Served {
                group: group.name.to_owned(),
                kind: (*kind).to_owned(),
                plural: (*plural).to_owned(),
                namespaced,
                status: subresources & STATUS != 0,
                scale: subresources & SCALE != 0,
            })
        })
    })
}
