"""What a target accepts as a password, as far as its connector can tell beforehand."""

from dataclasses import dataclass

from controller.model.secret import Secret


@dataclass(frozen=True, slots=True)
class Constraints:
    """Limits of a target's passwords. None means: no limit known."""

    min_length: int | None = None
    max_length: int | None = None
    max_bytes: int | None = None
    forbidden: str = ""

    def violation(self, password: Secret) -> str | None:
        """Say in words, without the password, which limit it breaks; None when it breaks none."""
        text = password.reveal()
        if self.min_length is not None and len(text) < self.min_length:
            return f"shorter than the {self.min_length} characters that the target asks for"
        if self.max_length is not None and len(text) > self.max_length:
            return f"longer than the {self.max_length} characters that the target takes"
        if self.max_bytes is not None and len(text.encode("utf-8", "surrogatepass")) > self.max_bytes:
            return f"longer than the {self.max_bytes} bytes (UTF-8) that the target takes"
        if any(c in self.forbidden for c in text):
            return "has a character that the target does not take"
        return None


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a connector can do.

    Attributes:
        needs_old_password: A change must carry the old password; it is never repeated blindly.
        can_verify: ``verify_password`` answers whether a password is in force.
        is_repeatable: Setting the same password twice does no harm (no history that refuses it).
        constraints: What the target accepts.
    """

    needs_old_password: bool = False
    can_verify: bool = True
    is_repeatable: bool = True
    constraints: Constraints = Constraints()
