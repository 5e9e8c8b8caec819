"""Keeps the greeting of each `Greeting` in a `ConfigMap`."""

import json
import sys
from pathlib import Path

from componentize_py_types import Err
from wit_world import exports
from wit_world.exports.describe import Descriptor, ManagedKind
from wit_world.exports.external import (
    Change,
    Creation,
    Difference,
    Observation,
    Readiness_Ready,
    Readiness_Unknown,
)
from wit_world.imports import cluster, log
from wit_world.imports.types import Failure, Failure_Retryable, Failure_Terminal, ObjectKind, ObjectRef, Problem


def embedded(name: str) -> str:
    """A file beside the sources. There are none at run time: what a module does on import is done at build time."""
    return next(path for path in (Path(folder, name) for folder in sys.path) if path.exists()).read_text()


DEFINITION = embedded("definition.json")
NEEDS = embedded("needs.json")


class Describe(exports.Describe):
    def describe(self) -> Descriptor:
        kind = ObjectKind("examples.capstan.dev/v1alpha1", "Greeting")
        # The ConfigMap's name follows from the object's: after a crash, `observe` finds what was created.
        greeting = ManagedKind(kind, DEFINITION, recoverable=True)
        return Descriptor("greeting-python", "0.1.0", [greeting], NEEDS, config_schema=None)


class Greeting:
    """One greeting: the `ConfigMap` that holds it."""

    def __init__(self, managed: str) -> None:
        greeting = json.loads(managed)
        metadata = greeting["metadata"]
        self.who: str = greeting["spec"]["name"]
        self.text = f"Hello, {self.who}!"
        self.target = ObjectRef("v1", "ConfigMap", metadata["namespace"], f"greeting-{metadata['name']}")

    def find(self) -> dict | None:
        try:
            return json.loads(cluster.get(self.target))
        except Err as error:
            if isinstance(error.value, cluster.Error_NotFound):
                return None
            raise Err(failure(error.value)) from error

    def write(self) -> str:
        """Writes the `ConfigMap`, and gives the status that the `Greeting` has then."""
        if self.who == "nobody":
            problem = Problem("NobodyToGreet", "spec.name is nobody: name somebody")
            raise Err(Failure_Terminal(problem))
        fields = json.dumps({"data": {"greeting": self.text}})
        options = cluster.PatchOptions(subresource=None, force=True, dry_run=False)
        try:
            cluster.patch(self.target, cluster.PatchKind.APPLY, fields, options)
        except Err as error:
            raise Err(failure(error.value)) from error
        log.write(log.Level.INFO, "wrote a greeting", [("configMap", self.target.name)])
        return status(self.text)

    def remove(self) -> None:
        try:
            cluster.delete(self.target)
        except Err as error:
            if not isinstance(error.value, cluster.Error_NotFound):
                raise Err(failure(error.value)) from error


class External(exports.External):
    def connect(self, managed: str) -> None:
        """Nothing to open."""

    def observe(self, managed: str) -> Observation:
        greeting = Greeting(managed)
        actual = greeting.find()
        if actual is None:
            return Observation(False, False, [], None, None, Readiness_Unknown(), None)
        text = actual.get("data", {}).get("greeting")
        differences = []
        if text != greeting.text:
            differences = [Difference("data.greeting", json.dumps(greeting.text), json.dumps(text))]
        return Observation(
            exists=True,
            up_to_date=not differences,
            differences=differences,
            late_initialize=None,
            status=status(text),
            readiness=Readiness_Ready(),
            external_name=None,
        )

    def create(self, managed: str) -> Creation:
        status = Greeting(managed).write()
        return Creation(external_name=None, annotations=[], status=status)

    def update(self, managed: str) -> Change:
        return Change(status=Greeting(managed).write())

    def delete(self, managed: str) -> None:
        Greeting(managed).remove()

    def disconnect(self) -> None:
        """Nothing to close."""


def status(greeting: str | None) -> str:
    return json.dumps({"greeting": greeting})


def failure(error: cluster.Error) -> Failure:
    """What the host is to do about it: content that is refused is refused again, anything else may pass."""
    match error:
        case cluster.Error_Invalid(message):
            return Failure_Terminal(Problem("Invalid", f"the API server refuses the content: {message}"))
        case cluster.Error_Conflict(clash):
            return Failure_Retryable(Problem("Conflict", f"conflict: {clash.message}"))
        case cluster.Error_NotFound(message):
            return Failure_Retryable(Problem("NotFound", f"not found: {message}"))
        case cluster.Error_Denied(message):
            return Failure_Retryable(Problem("Denied", f"denied: {message}"))
        case cluster.Error_Unavailable(message):
            return Failure_Retryable(Problem("Unavailable", f"the API server is not available: {message}"))
