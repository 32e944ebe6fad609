"""The sender: HTTP over libcurl's multi interface, in one thread, without asyncio."""

from consumer.adapters.curl.sender import CurlSender as CurlSender
