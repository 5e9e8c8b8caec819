//! Adjusts a parsed template where the engine's executor answers otherwise than Go's.

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

/// Checks that all functions exist, also where they are not reached; lets the output of actions go through our own
/// formatting; and makes a field of an explicit null an error. The error is a message.
pub(super) fn rewritten(mut tree: ListNode) -> Result<ListNode, String> {
    list(&mut tree)?;
    Ok(tree)
}

fn list(tree: &mut ListNode) -> Result<(), String> {
    tree.nodes.iter_mut().try_for_each(node)
}

fn node(node: &mut Node) -> Result<(), String> {
    match node {
        Node::List(tree) => list(tree),
        Node::Action(ActionNode { pos, pipe: pipeline }) => {
            pipe(pipeline)?;
            // A declaration writes nothing.
            if pipeline.decl.is_empty() {
                pipeline.commands.push(call(*pos, OUTPUT, []));
            }
            Ok(())
        }
        Node::If(branch) | Node::Range(branch) | Node::With(branch) => {
            let BranchNode { pipe: pipeline, body, else_body, .. } = branch;
            pipe(pipeline)?;
            list(body)?;
            else_body.as_mut().map_or(Ok(()), list)
        }
        Node::Template(TemplateNode { pipe: pipeline, .. }) => pipeline.as_mut().map_or(Ok(()), pipe),
        Node::Define(define) => list(&mut define.body),
        Node::Text(_) | Node::Break(_) | Node::Continue(_) => Ok(()),
    }
}

fn pipe(pipeline: &mut PipeNode) -> Result<(), String> {
    pipeline.commands.iter_mut().flat_map(|command| &mut command.args).try_for_each(expression)
}

fn expression(expr: &mut Expr) -> Result<(), String> {
    match expr {
        Expr::Identifier(_, name) if !functions::exists(name) => Err(format!("function \"{name}\" not defined")),
        Expr::Pipe(_, pipeline) => pipe(pipeline),
        Expr::Chain(_, inner, _) => expression(inner),
        Expr::Field(pos, names) => {
            *expr = fields(Expr::Dot(*pos), names);
            Ok(())
        }
        Expr::Variable(pos, name, names) if !names.is_empty() => {
            *expr = fields(Expr::Variable(*pos, name.clone(), Vec::new()), names);
            Ok(())
        }
        _ => Ok(()),
    }
}

fn fields(base: Expr, names: &[SmolStr]) -> Expr {
    let pos = base.pos();
    let names = names.iter().map(|name| Expr::String(pos, Arc::from(name.as_str())));
    let commands = vec![call(pos, FIELDS, std::iter::once(base).chain(names))];
    Expr::Pipe(pos, PipeNode { pos, decl: Vec::new(), commands, is_assign: false })
}

fn call(pos: Pos, function: &'static str, arguments: impl IntoIterator<Item = Expr>) -> CommandNode {
    let function = Expr::Identifier(pos, SmolStr::new_static(function));
    CommandNode { pos, args: std::iter::once(function).chain(arguments).collect() }
}
