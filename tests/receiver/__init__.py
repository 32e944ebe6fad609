"""A loopback HTTP receiver that answers by a script, misbehaves when told to, and records what arrived."""

from tests.receiver.answers import Answer, Fault, Rule, always, in_turn, per_delivery
from tests.receiver.arrived import Arrived
from tests.receiver.server import Receiver

__all__ = ["Answer", "Arrived", "Fault", "Receiver", "Rule", "always", "in_turn", "per_delivery"]
