"""The exception tree: what is raised on purpose, and who handles it."""


class ConsumerError(Exception):
    """Anything this program raises on purpose."""


class SettingsError(ConsumerError):
    """
    The process does not start, or a command cannot go on.

    Attributes:
        problems: One line each, `FILE:LINE: what is wrong, and what to do`.
    """

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class RecordError(ConsumerError):
    """This record can never become an event; *reason* is a dead-letter reason of the contract."""

    reason = "undecodable"


class UndecodableRecord(RecordError):
    """The bytes are not an event of a known schema."""


class NoTestCardField(RecordError):
    """The event's schema does not say whether the order was paid with the test card."""

    reason = "no_test_card_field"


class SchemaUnavailable(ConsumerError):
    """The schema of a record cannot be asked for now (registry down): a condition that passes."""


class RenderError(ConsumerError):
    """This event does not fit this profile's mapping."""


class BrokerError(ConsumerError):
    """Kafka refused for good, or the client is broken: the process ends and starts again from the committed offsets."""


class TransactionAborted(ConsumerError):
    """Nothing of a batch was written; ordinary when partitions change hands or a broker goes."""


class NoLongerMember(TransactionAborted):
    """The group goes on without this member: what it read is somebody else's, who begins at the committed offsets."""


class BrokerUnreachable(ConsumerError):
    """The brokers do not answer now, or refuse what was asked; who asked says what is done about it."""


class OutcomeUnknown(ConsumerError):
    """A transaction was written whole or not at all, and the writer cannot say which: the committed offsets tell."""
