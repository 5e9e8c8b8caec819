//! What the command line says of itself to shells and to `man`.

use std::{fs, path::Path};

use anyhow::{Context, Result};
use clap::CommandFactory;
use clap_complete::Shell;
use clap_mangen::Man;

use crate::{cli::Cli, documents::print_text};

/// `capstan completions SHELL`
pub(crate) fn completions(shell: Shell) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "capstan", &mut script);
    print_text(&String::from_utf8(script).context("the completions are no text")?)
}

/// `capstan man`: one page, or those of all commands as files.
pub(crate) fn pages(directory: Option<&Path>) -> Result<()> {
    let Some(directory) = directory else {
        let mut page = Vec::new();
        Man::new(Cli::command()).render(&mut page).context("the page cannot be made")?;
        return print_text(&String::from_utf8(page).context("the page is no text")?);
    };
    fs::create_dir_all(directory).with_context(|| format!("{} cannot be made", directory.display()))?;
    clap_mangen::generate_to(Cli::command(), directory)
        .with_context(|| format!("the pages cannot be written to {}", directory.display()))
}
