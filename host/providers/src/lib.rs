//! From source to running provider: fetch, validate, grant, run.
