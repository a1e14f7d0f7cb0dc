"""Where results go: a file of JSON lines, a webhook, an MQTT broker."""
