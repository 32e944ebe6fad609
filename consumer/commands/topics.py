"""`postback topics create`: the program's own topics."""

import argparse

from consumer.commands import Subparsers, add_config_option, settings_of
from consumer.core.errors import BrokerUnreachable
from consumer.core.topics import TopicNames
from consumer.service.asking import Brokers, asking
from consumer.service.assembly import Parts
from consumer.service.own_topics import create_missing, wanted_topics
from consumer.settings import Settings


def add_parser(subparsers: Subparsers) -> None:
    """`postback topics create [--config FILE]`."""
    parser = subparsers.add_parser("topics", help="create the program's own topics")
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    create = actions.add_parser(
        "create",
        help="create what is missing; safe to repeat",
        description="Creates the topics that the profiles need and that are missing, so that nothing in them expires.",
    )
    add_config_option(create)
    create.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Create what is missing, and say what is there."""
    settings = settings_of(args)
    loaded = Parts.of(settings).profile_folder().load()
    names = TopicNames(settings.kafka.topic_prefix)
    wanted = wanted_topics(names, loaded.profiles, settings.tick)
    with asking(settings) as brokers:
        created, failure = _create(brokers, wanted, settings, names)
        there = dict.fromkeys(created, settings.kafka.partitions) | brokers.topics.partitions()
    for name in wanted:
        count = there.get(name)
        state = "created" if name in created else "exists " if count else "missing"
        print(f"{state}  {name}{f' ({count} partitions)' if count else ''}")
    problems = [str(problem) for problem in loaded.problems if problem.severity == "error"]
    problems += [str(failure)] if failure else []
    if problems:
        print(*problems, sep="\n")
    return 1 if problems else 0


def _create(
    brokers: Brokers, wanted: list[str], settings: Settings, names: TopicNames
) -> tuple[list[str], BrokerUnreachable | None]:
    """The names of those that were created, and why others were not; one that is refused does not stop the rest."""
    kafka = settings.kafka
    created: list[str] = []
    failure = None
    for name in wanted:
        try:
            created += create_missing(
                brokers.topics,
                [name],
                names=names,
                sources=[source.topic for source in settings.sources],
                partitions=kafka.partitions,
                replication_factor=kafka.replication_factor,
            )
        except BrokerUnreachable as error:
            failure = failure or error
    return created, failure
