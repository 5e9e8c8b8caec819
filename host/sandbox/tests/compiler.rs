//! Having components compiled by another process, which is this test program itself, started with arguments.

mod support;

use std::{
    env, io,
    path::{Path, PathBuf},
    process::ExitCode,
    thread,
    time::Duration,
};

use capstan_sandbox::{
    CodeSettings, Compilations, CompileLimits, Compiler, LoadError, Sandbox, Settings, StartError, compile,
};
use libtest_mimic::{Arguments, Trial};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use wasmparser::{Parser, Payload};

use support::component::hostile;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["compile", memory] => match compile(memory.parse().unwrap()) {
            Ok(code) => return code,
            Err(error) => {
                eprintln!("{error}");
                return ExitCode::FAILURE;
            }
        },
        ["sleep", ..] => {
            thread::sleep(Duration::from_mins(1));
            return ExitCode::FAILURE;
        }
        ["shout", ..] => {
            let _ = io::copy(&mut io::stdin(), &mut io::sink());
            eprintln!("{}", "no ".repeat(1 << 18));
            return ExitCode::from(3);
        }
        ["tell", ..] => {
            eprintln!("{} variables", env::vars_os().count());
            let _ = io::copy(&mut io::stdin(), &mut io::sink());
            return ExitCode::FAILURE;
        }
        _ => {}
    }
    let cases: [(&str, fn()); 9] = [
        ("code_is_made_once_and_found_after_a_restart", code_is_made_once_and_found_after_a_restart),
        ("without_a_program_code_is_kept_all_the_same", without_a_program_code_is_kept_all_the_same),
        ("damaged_code_is_made_again", damaged_code_is_made_again),
        ("too_little_memory_is_named", too_little_memory_is_named),
        ("too_little_time_is_named", too_little_time_is_named),
        ("what_is_invalid_is_the_authors_to_mend", what_is_invalid_is_the_authors_to_mend),
        ("much_that_is_said_is_cut_and_heard_to_its_end", much_that_is_said_is_cut_and_heard_to_its_end),
        ("the_compiler_is_told_nothing", the_compiler_is_told_nothing),
        ("what_cannot_be_used_is_said_at_once", what_cannot_be_used_is_said_at_once),
    ];
    let trials = cases.into_iter().map(|(name, case)| {
        Trial::test(name, move || {
            case();
            Ok(())
        })
    });
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit_code()
}

const ENOUGH: CompileLimits = CompileLimits { memory: 1 << 30, time: Duration::from_mins(1) };

/// A directory, and who compiles for it.
struct World {
    folder: TempDir,
    compiler: Option<Compiler>,
}

impl World {
    fn with(argument: &str, limits: CompileLimits) -> Self {
        let compiler = Compiler { program: env::current_exe().unwrap(), arguments: vec![argument.to_owned()], limits };
        Self { folder: tempfile::tempdir().unwrap(), compiler: Some(compiler) }
    }

    fn directory(&self) -> PathBuf {
        self.folder.path().join("code")
    }

    fn sandbox(&self) -> Result<Sandbox, StartError> {
        let code = CodeSettings { directory: self.directory(), size: 1 << 30, compiler: self.compiler.clone() };
        Sandbox::new(Settings { code: Some(code), ..Settings::default() })
    }

    /// Loads it with a sandbox of its own, as after a restart, and has it describe itself.
    fn load(&self, bytes: &[u8]) -> (Result<(), LoadError>, Compilations) {
        let sandbox = self.sandbox().unwrap();
        let bytes = bytes.to_vec();
        let loaded = Runtime::new().unwrap().block_on(async {
            let component = sandbox.load(bytes.into()).await?;
            component.describe().await.unwrap();
            Ok(())
        });
        (loaded, sandbox.compilations())
    }

    fn error(&self, bytes: &[u8]) -> LoadError {
        let (loaded, compilations) = self.load(bytes);
        assert_eq!(compilations, Compilations { failed: 1, ..Compilations::default() });
        assert_eq!(files(&self.directory()), Vec::<PathBuf>::new(), "something was left");
        loaded.unwrap_err()
    }
}

fn files(directory: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect()
}

const COMPILED: Compilations = Compilations { compiled: 1, found: 0, failed: 0 };
const FOUND: Compilations = Compilations { compiled: 0, found: 1, failed: 0 };

fn code_is_made_once_and_found_after_a_restart() {
    let world = World::with("compile", ENOUGH);
    let (loaded, compilations) = world.load(hostile());
    loaded.unwrap();
    assert_eq!(compilations, COMPILED);
    let (loaded, compilations) = world.load(hostile());
    loaded.unwrap();
    assert_eq!(compilations, FOUND);
    assert_eq!(files(&world.directory()).len(), 1);
}

fn without_a_program_code_is_kept_all_the_same() {
    let world = World { folder: tempfile::tempdir().unwrap(), compiler: None };
    assert_eq!(world.load(hostile()).1, COMPILED);
    assert_eq!(world.load(hostile()).1, FOUND);
}

fn damaged_code_is_made_again() {
    let world = World::with("compile", ENOUGH);
    world.load(hostile()).0.unwrap();
    let [file] = &files(&world.directory())[..] else { panic!("one file") };
    let mut code = std::fs::read(file).unwrap();
    let middle = code.len() / 2;
    code[middle] ^= 1;
    std::fs::write(file, code).unwrap();
    let (loaded, compilations) = world.load(hostile());
    loaded.unwrap();
    assert_eq!(compilations, COMPILED);
}

fn too_little_memory_is_named() {
    let limits = CompileLimits { memory: 8 << 20, ..ENOUGH };
    let error = World::with("compile", limits).error(hostile());
    assert!(matches!(error, LoadError::CompileOutOfMemory { limit, .. } if limit == limits.memory), "{error:?}");
    assert!(error.to_string().contains("--compile-memory"), "{error}");
}

fn too_little_time_is_named() {
    let limits = CompileLimits { time: Duration::from_secs(1), ..ENOUGH };
    let error = World::with("sleep", limits).error(hostile());
    assert!(matches!(error, LoadError::CompileTimedOut { limit } if limit == limits.time), "{error:?}");
    assert!(error.to_string().contains("--compile-timeout"), "{error}");
}

fn what_is_invalid_is_the_authors_to_mend() {
    // The first instruction of the first function becomes one that does not exist.
    let mut bytes = hostile().to_vec();
    let body = Parser::new(0).parse_all(hostile()).find_map(|payload| match payload.unwrap() {
        Payload::CodeSectionEntry(body) => Some(body.get_operators_reader().unwrap().original_position()),
        _ => None,
    });
    bytes[body.unwrap()] = 0xff;
    let error = World::with("compile", ENOUGH).error(&bytes);
    assert!(matches!(error, LoadError::Malformed(_)), "{error:?}");
}

fn much_that_is_said_is_cut_and_heard_to_its_end() {
    let error = World::with("shout", ENOUGH).error(hostile());
    assert!(matches!(&error, LoadError::Malformed(said) if said.len() <= 4096), "{error:?}");
}

fn the_compiler_is_told_nothing() {
    let error = World::with("tell", ENOUGH).error(hostile());
    assert!(matches!(&error, LoadError::Host(said) if said == "0 variables"), "{error:?}");
}

fn what_cannot_be_used_is_said_at_once() {
    let mut world = World::with("compile", ENOUGH);
    world.compiler.as_mut().unwrap().program = world.folder.path().join("absent");
    let error = world.error(hostile());
    assert!(matches!(&error, LoadError::Host(said) if said.contains("absent")), "{error:?}");

    std::fs::remove_dir(world.directory()).unwrap();
    std::fs::write(world.directory(), "").unwrap();
    assert!(matches!(world.sandbox().map(drop), Err(StartError::Directory(_))));
}
