//! Adjusts a parsed template where the engine's executor answers otherwise than Go's.

use std::collections::BTreeSet;
use std::sync::Arc;

use gotmpl::parse::{ActionNode, BranchNode, CommandNode, Expr, ListNode, Node, PipeNode, Pos, SmolStr, TemplateNode};

use super::functions;

/// Writes the value of an action. No name of the language has a `!`.
pub(super) const OUTPUT: &str = "output!";
/// Follows field names from a value.
pub(super) const FIELDS: &str = "fields!";

/// Names that only this module can call.
#[cfg(test)]
pub(super) const HIDDEN: [&str; 2] = [OUTPUT, FIELDS];

/// Adjusts trees, and finds out which functions they call.
#[derive(Default)]
pub(super) struct Rewrite {
    /// The names of all functions, hidden ones included.
    pub(super) called: BTreeSet<SmolStr>,
}

impl Rewrite {
    /// Checks that all functions exist, also where they are not reached; lets the output of actions go through our own
    /// formatting; and makes a field of an explicit null an error. The error is a message.
    pub(super) fn list(&mut self, tree: &mut ListNode) -> Result<(), String> {
        tree.nodes.iter_mut().try_for_each(|node| self.node(node))
    }

    fn node(&mut self, node: &mut Node) -> Result<(), String> {
        match node {
            Node::List(tree) => self.list(tree),
            Node::Action(ActionNode { pos, pipe }) => {
                self.pipe(pipe)?;
                // A declaration writes nothing.
                if pipe.decl.is_empty() {
                    pipe.commands.push(self.call(*pos, OUTPUT, []));
                }
                Ok(())
            }
            Node::If(branch) | Node::Range(branch) | Node::With(branch) => {
                let BranchNode { pipe, body, else_body, .. } = branch;
                self.pipe(pipe)?;
                self.list(body)?;
                else_body.as_mut().map_or(Ok(()), |tree| self.list(tree))
            }
            Node::Template(TemplateNode { pipe, .. }) => pipe.as_mut().map_or(Ok(()), |pipe| self.pipe(pipe)),
            Node::Define(define) => self.list(&mut define.body),
            Node::Text(_) | Node::Break(_) | Node::Continue(_) => Ok(()),
        }
    }

    fn pipe(&mut self, pipe: &mut PipeNode) -> Result<(), String> {
        let mut arguments = pipe.commands.iter_mut().flat_map(|command| &mut command.args);
        arguments.try_for_each(|argument| self.expression(argument))
    }

    fn expression(&mut self, expr: &mut Expr) -> Result<(), String> {
        match expr {
            Expr::Identifier(_, name) if !functions::exists(name) => Err(format!("function \"{name}\" not defined")),
            Expr::Identifier(_, name) => {
                self.called.insert(name.clone());
                Ok(())
            }
            Expr::Pipe(_, pipe) => self.pipe(pipe),
            Expr::Chain(_, inner, _) => self.expression(inner),
            Expr::Field(pos, names) => {
                *expr = self.fields(Expr::Dot(*pos), names);
                Ok(())
            }
            Expr::Variable(pos, name, names) if !names.is_empty() => {
                *expr = self.fields(Expr::Variable(*pos, name.clone(), Vec::new()), names);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn fields(&mut self, base: Expr, names: &[SmolStr]) -> Expr {
        let pos = base.pos();
        let names = names.iter().map(|name| Expr::String(pos, Arc::from(name.as_str())));
        let commands = vec![self.call(pos, FIELDS, std::iter::once(base).chain(names))];
        Expr::Pipe(pos, PipeNode { pos, decl: Vec::new(), commands, is_assign: false })
    }

    fn call(&mut self, pos: Pos, function: &'static str, arguments: impl IntoIterator<Item = Expr>) -> CommandNode {
        let name = SmolStr::new_static(function);
        self.called.insert(name.clone());
        CommandNode { pos, args: std::iter::once(Expr::Identifier(pos, name)).chain(arguments).collect() }
    }
}
