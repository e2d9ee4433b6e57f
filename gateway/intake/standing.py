"""What somebody is in a ticket, by whichever of his addresses he writes.

A person has several addresses and one contact: who is the customer under one address is the customer under each, and
`carla+shop@x` is `carla@x`. A merged ticket hands its people on to the one that lives.
"""

from storage.address import untagged
from storage.tickets import ParticipantRole

_ROLES = tuple(ParticipantRole)  # the one that says most comes first


class Standing:
    """Roles in tickets, kept under the address without its tag and under the number of the contact."""

    def __init__(self) -> None:
        self._roles: dict[int, dict[str | int, ParticipantRole]] = {}

    def add(self, ticket: int, address: str, contact: int | None, role: ParticipantRole) -> None:
        """He is this there; of two roles the one that says more counts."""
        roles = self._roles.setdefault(ticket, {})
        for who in (untagged(address), contact):
            if who is not None:
                roles[who] = min(role, roles.get(who, role), key=_ROLES.index)

    def hand_on(self, dead: int, living: int) -> None:
        """The people of a merged ticket stand in the living one too."""
        roles = self._roles.setdefault(living, {})
        for who, role in self._roles.get(dead, {}).items():
            roles.setdefault(who, role)

    def role(self, ticket: int, address: str, contact: int | None) -> ParticipantRole | None:
        """What he is there, or None."""
        roles = self._roles.get(ticket, {})
        found = [roles[who] for who in (untagged(address), contact) if who in roles]
        return min(found, key=_ROLES.index, default=None)
