"""What a MappingRule needs of the Domain and the Application that it names."""

from collections.abc import Iterator, Mapping

from controller.manifests.agreement import Declared
from controller.manifests.problems import Problem
from controller.model.topology import Application, Domain, Key, Kind, MappingRule


def unfit_rules(declared: Mapping[Key, Declared]) -> Iterator[Problem]:
    """Yield a problem for each rule whose domain has no directory, or whose application maps not one to one."""
    for found in declared.values():
        match found.resource.spec:
            case MappingRule() as rule:
                yield from _of_rule(rule, found, declared)
            case _:
                pass


def _of_rule(rule: MappingRule, found: Declared, declared: Mapping[Key, Declared]) -> Iterator[Problem]:
    match declared.get(Key(Kind.DOMAIN, rule.domain)):
        case Declared(resource=resource) if isinstance(resource.spec, Domain) and resource.spec.directory is None:
            yield Problem(
                found.document.place(("spec", "domain")),
                f"spec.domain: Domain {rule.domain} has no directory that the rule could ask",
                f"give Domain {rule.domain} a directory",
            )
        case _:
            pass
    match declared.get(Key(Kind.APPLICATION, rule.application)):
        case Declared(resource=resource) if isinstance(resource.spec, Application):
            if resource.spec.type != "individual":
                type_ = resource.spec.type
                yield Problem(
                    found.document.place(("spec", "application")),
                    f"spec.application: {rule.application} is of type {type_}, in which accounts share one",
                    "a rule gives each account its own: name an individual application, or use a MappingSet",
                )
        case _:
            pass
