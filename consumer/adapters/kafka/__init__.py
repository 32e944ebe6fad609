"""Kafka by confluent-kafka (librdkafka): consumers of the two groups, transactions, topics."""
