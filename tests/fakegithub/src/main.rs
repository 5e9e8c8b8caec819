//! Serves a fake of GitHub's API on a loopback port, with an organisation and a user to begin with.

use std::net::{Ipv4Addr, SocketAddr};

use capstan_fakegithub::{Fake, Settings};
use clap::Parser;

/// A fake of GitHub's REST API.
#[derive(Parser)]
struct Arguments {
    /// The port on the loopback address.
    #[arg(long, default_value_t = 8787)]
    port: u16,
    /// The path before that of the API, as /api/v3 of GitHub Enterprise Server.
    #[arg(long, default_value = "")]
    prefix: String,
    /// The organisation that there is to begin with.
    #[arg(long, default_value = "acme")]
    organization: String,
    /// The user that owns it.
    #[arg(long, default_value = "anna")]
    user: String,
    /// The user's token.
    #[arg(long, default_value = "ghp_example")]
    token: String,
    /// Requests per hour before the rate limit.
    #[arg(long, default_value_t = 5000)]
    quota: u64,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let settings = Settings { prefix: arguments.prefix, hourly_quota: arguments.quota, ..Settings::default() };
    let fake = Fake::listen(settings, SocketAddr::from((Ipv4Addr::LOCALHOST, arguments.port))).await?;
    let seed = fake.seed();
    seed.organization(&arguments.organization);
    seed.user(&arguments.user);
    seed.owner(&arguments.organization, &arguments.user);
    seed.named_token(&arguments.user, &arguments.token);
    println!("{}", fake.url());
    tokio::signal::ctrl_c().await?;
    for violation in fake.violations() {
        eprintln!("{:?} {}: {}", violation.side, violation.request, violation.problem);
    }
    Ok(())
}
