"""A real Kafka broker for the tests: jars by Maven, one to three KRaft nodes on free loopback ports."""
