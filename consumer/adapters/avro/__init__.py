"""Avro: schemas and their fingerprints, and the records that were written with them."""

from consumer.adapters.avro.decoder import AvroDecoder as AvroDecoder
from consumer.adapters.avro.decoder import SchemaSource as SchemaSource
