//! How a fake behaves; all of it can be changed while it runs.

use std::time::Duration;

/// Settings of a fake.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Requests per hour and token owner before the primary limit: GitHub's 5,000.
    pub hourly_quota: u64,
    /// Requests per hour without a token: GitHub's 60.
    pub anonymous_quota: u64,
    /// How long an hour is for both quotas, of which it is cut to a whole second: GitHub's hour. With two seconds or some more a
    /// day of hours goes by within a test of programs whose clock cannot be put forward.
    pub hour: Duration,
    /// The status of an answer beyond the primary limit; GitHub uses 403 and 429. Default 403.
    pub quota_status: u16,
    /// Requests that create or change something, per minute and token owner, before the secondary limit: GitHub's 80.
    pub writes_per_minute: usize,
    /// How long a repository or team answers 404 after it was created. Default 0.
    pub visible_after: Duration,
    /// How long an invitation can be accepted. GitHub's seven days.
    pub invitation_lifetime: Duration,
    /// How long an installation token is valid. GitHub's hour.
    pub installation_token_lifetime: Duration,
    /// Whether a team's `permissions` on a repository hold only the highest flag, as some releases of GitHub Enterprise
    /// Server have it, and not all that it includes. Default false.
    pub exclusive_permission_flags: bool,
    /// Whether a team's repository has `role_name`, which GitHub describes as optional and some releases of GitHub Enterprise
    /// Server leave out. Default true.
    pub role_names: bool,
    /// Settings of repositories, by their names in requests, that are taken without an error and not kept, as GitHub does with a
    /// wiki of a private repository on a free plan. Default none.
    pub unkept: Vec<&'static str>,
    /// The path before that of the API, as `/api/v3` of GitHub Enterprise Server. Default none.
    pub prefix: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            hourly_quota: 5000,
            anonymous_quota: 60,
            hour: Duration::from_hours(1),
            quota_status: 403,
            writes_per_minute: 80,
            visible_after: Duration::ZERO,
            invitation_lifetime: Duration::from_hours(7 * 24),
            installation_token_lifetime: Duration::from_hours(1),
            exclusive_permission_flags: false,
            role_names: true,
            unkept: Vec::new(),
            prefix: String::new(),
        }
    }
}
