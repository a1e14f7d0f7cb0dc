"""The outputs of results: a file of JSON lines, a webhook, an MQTT broker."""
