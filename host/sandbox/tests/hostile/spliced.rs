//! Components that no compiler makes: the hostile guest, and in it a component written by hand, which is instantiated last,
//! with all its start functions.

use wasmparser::{ComponentTypeRef, Parser, Payload};

use crate::support::component::hostile;

/// What a part may import, as `log`.
const LOG: &str = "capstan:provider/log@0.1.0";

/// Bytes of a page of memory, and of an element of a table.
const PAGE: u64 = 1 << 16;
const ELEMENT: u64 = 8;

/// Sections of a component, and what stands in them.
const COMPONENT_SECTION: u8 = 4;
const INSTANCE_SECTION: u8 = 5;
const INSTANTIATE: u8 = 0;
const SORT_INSTANCE: u8 = 5;

/// What one has to know of the guest to add something to it.
#[derive(Default)]
struct Outline {
    /// Components that it has inside.
    components: u32,
    /// Instances that it imports.
    instances: u32,
    /// Which of these is the log.
    log: Option<u32>,
    /// Bytes of memories and tables that an instance begins with.
    size: u64,
}

impl Outline {
    fn of(component: &[u8]) -> Self {
        let (mut outline, mut depth) = (Self::default(), 0usize);
        for payload in Parser::new(0).parse_all(component) {
            match payload.unwrap() {
                Payload::ComponentSection { .. } => {
                    outline.components += u32::from(depth == 0);
                    depth += 1;
                }
                Payload::ModuleSection { .. } => depth += 1,
                // The outermost end comes when nothing is open any more.
                Payload::End(_) => depth = depth.saturating_sub(1),
                Payload::ComponentImportSection(section) if depth == 0 => {
                    for import in section {
                        let import = import.unwrap();
                        if import.name.name == LOG {
                            outline.log = Some(outline.instances);
                        }
                        outline.instances += u32::from(matches!(import.ty, ComponentTypeRef::Instance(_)));
                    }
                }
                Payload::MemorySection(section) => {
                    outline.size += section.into_iter().map(|memory| memory.unwrap().initial * PAGE).sum::<u64>();
                }
                Payload::TableSection(section) => {
                    outline.size += section.into_iter().map(|table| table.unwrap().ty.initial * ELEMENT).sum::<u64>();
                }
                _ => {}
            }
        }
        outline
    }
}

/// Bytes of memories and tables that an instance of the hostile guest begins with.
pub(crate) fn size() -> usize {
    usize::try_from(Outline::of(hostile()).size).unwrap()
}

/// The guest with a component, in text, that imports nothing.
pub(crate) fn with(part: &str) -> Vec<u8> {
    spliced(&Outline::of(hostile()), part, &number(0))
}

/// The guest with one that imports the host's log.
pub(crate) fn speaking(part: &str) -> Vec<u8> {
    let outline = Outline::of(hostile());
    let log = number(outline.log.expect("the guest imports the log"));
    let log = [number(1), number(3), b"log".to_vec(), vec![SORT_INSTANCE], log].concat();
    spliced(&outline, part, &log)
}

/// `arguments` are those of the part's only instance, in binary.
fn spliced(outline: &Outline, part: &str, arguments: &[u8]) -> Vec<u8> {
    let part = wat::parse_str(part).unwrap();
    let instance = [&number(1)[..], &[INSTANTIATE], &number(outline.components), arguments].concat();
    let mut component = hostile().to_vec();
    for (section, content) in [(COMPONENT_SECTION, part), (INSTANCE_SECTION, instance)] {
        component.push(section);
        component.extend(number(u32::try_from(content.len()).unwrap()));
        component.extend(content);
    }
    component
}

/// As it stands in WebAssembly: seven bits a byte, the lowest first.
fn number(mut left: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = u8::try_from(left & 0x7f).unwrap();
        left >>= 7;
        if left == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}
