"""Postback consumer: events of a CRM on Kafka become webhooks, each in the run of its profile's delay window."""

from importlib.metadata import version

__version__ = version("postback-consumer")
