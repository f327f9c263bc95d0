"""TaskRegistry: graphs written in code come along with the modules that hold them."""

from importlib.metadata import EntryPoint
from types import ModuleType

import pytest

from runner import GraphBuilder, TaskGraphRunner, parallel, series
from runner.errors import DefinitionError
from runner.graph import registry as registry_module
from runner.graph.definition import GraphDefinition
from runner.graph.plug_ins import ENTRY_POINTS
from runner.graph.registry import LIBRARY, TaskRegistry, also_from, default_registry
from tests import code_graphs


@pytest.fixture
def registry():
    """A registry with the module of these tests."""
    made = TaskRegistry()
    made.register_module(code_graphs)
    return made


def module_with(name, **attributes):
    """Give a module that holds these."""
    made = ModuleType(name)
    vars(made).update(attributes)
    return made


def test_a_module_brings_its_named_graphs_along(registry):
    """Engine 2.7, 2.8."""
    assert list(registry.graphs) == ["greeting", "louder"]
    assert registry.graphs["greeting"] == code_graphs.greeting.definition
    assert registry.module_of("greeting") == "tests.code_graphs"


def test_private_graphs_and_parts_without_a_name_are_not_offered():
    registry = TaskRegistry()
    kept = code_graphs.louder
    part, both = series(code_graphs.shout), parallel(code_graphs.shout)
    registry.register_module(module_with("more", _kept=kept, part=part, both=both))
    assert registry.graphs == {}


def test_a_graph_brings_the_task_types_it_uses():
    registry = TaskRegistry()
    registry.register_module(module_with("more", graph=code_graphs.greeting))
    assert "code.shout" in registry
    assert registry.graphs["greeting"].check(registry) == []


def test_two_graphs_cannot_share_a_name(registry):
    other = GraphBuilder("greeting")
    other.output("name", other.input("name", "str"))
    with pytest.raises(DefinitionError, match=r"Two graphs are called 'greeting' \(in tests\.cod"):
        registry.register_module(module_with("other", graph=other))


def test_the_same_graph_in_two_modules_is_one_graph(registry):
    registry.register_module(module_with("other", again=code_graphs.greeting))
    assert registry.module_of("greeting") == "tests.code_graphs"


@pytest.mark.parametrize("name", ["", "a b", "x" * 65, "../up"])
def test_what_is_no_name_for_a_graph_is_refused(name):
    with pytest.raises(DefinitionError, match="is no name for a graph"):
        TaskRegistry().register_graph(GraphDefinition(name=name))


def test_a_graph_with_faults_is_refused_with_its_module():
    broken = GraphBuilder("broken")
    broken.add("loud", code_graphs.shout)
    with pytest.raises(
        DefinitionError, match="The graph 'broken' in more has a fault: Shout needs"
    ):
        TaskRegistry().register_module(module_with("more", broken=broken))


def test_copies_and_sub_graph_registries_have_the_graphs_too(registry):
    assert registry.copy().graphs == registry.graphs
    assert registry.with_workflows({}).graphs == registry.graphs


def test_installed_packages_may_offer_graphs(monkeypatch):
    offered = EntryPoint(name="more", value="tests.code_graphs", group=ENTRY_POINTS)
    monkeypatch.setattr("importlib.metadata.entry_points", lambda **_: [offered])
    assert "greeting" in registry_module._loaded.__wrapped__().graphs


def test_a_default_registry_says_what_each_plug_in_has_brought(monkeypatch):
    offered = EntryPoint(name="more", value="tests.code_graphs", group=ENTRY_POINTS)
    monkeypatch.setattr("importlib.metadata.entry_points", lambda **_: [offered])
    (found,) = registry_module._loaded.__wrapped__().copy().plug_ins
    assert (found.module, found.origin, found.fault) == ("tests.code_graphs", "entry point", "")
    assert "greeting" in found.graphs


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("tests.there_is_no_such_module", "It cannot be imported. ModuleNotFoundError: No module"),
        ("tests.runner.plug_ins.raises", "It cannot be imported. ZeroDivisionError: division by"),
        ("tests.runner.plug_ins.leaves", "It cannot be imported. SystemExit: 3"),
        ("tests.runner.plug_ins.clashes", "Two task types are called 'text.split'; rename one."),
    ],
)
def test_a_plug_in_that_cannot_be_used_takes_nothing_with_it(monkeypatch, name, said):
    """All of it is left out, and the library is still there."""
    offered = EntryPoint(name="more", value=name, group=ENTRY_POINTS)
    monkeypatch.setattr("importlib.metadata.entry_points", lambda **_: [offered])
    registry = registry_module._loaded.__wrapped__()
    (found,) = registry.plug_ins
    assert found.fault.startswith(said)
    assert found.types == ()
    assert "text.split" in registry
    assert "clash.innocent" not in registry


def test_a_module_may_be_named_as_a_plug_in(monkeypatch):
    monkeypatch.setattr(registry_module, "_also", [])
    also_from("tests.code_graphs", "app rivers")
    also_from("tests.code_graphs", "app rivers")
    loaded = registry_module._loaded.__wrapped__()
    assert [each.origin for each in loaded.plug_ins if each.module == "tests.code_graphs"] == [
        "app rivers"
    ]
    registry_module._loaded.cache_clear()


@pytest.mark.parametrize("name", ["greeting", "louder"])
def test_the_json_of_a_graph_written_in_code_is_byte_stable(registry, name):
    """Engine 1.1."""
    text = registry.graphs[name].to_json()
    assert GraphDefinition.from_json(text).to_json() == text


async def test_a_graph_written_in_code_runs_from_its_json(registry):
    """Engine 2.9."""
    definition = GraphDefinition.from_json(registry.graphs["greeting"].to_json())
    run = TaskGraphRunner(registry).start(definition, {"name": "Ada"})
    assert await run.outputs() == {"greeting": "Welcome, ADA"}


def test_every_task_of_the_library_is_the_only_one_of_its_module():
    kinds = [each for each in default_registry() if each.__module__.startswith(f"{LIBRARY}.")]
    assert len({each.__module__ for each in kinds}) == len(kinds) > 10
    assert {"text.split", "flow.ask"} <= {each.name for each in kinds}
