"""One file per provider, behind the protocol of `messaging.senders.base`."""
