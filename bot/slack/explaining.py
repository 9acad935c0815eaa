"""Why something did not happen, in a person's language and as Slack shows it."""

from bot.locales import say
from bot.onboarding.errors import OnboardingError, Refused
from bot.slack.connection import TRIGGER_LATE, TRIGGER_USED, SlackRefused
from bot.slack.mrkdwn import escaped, with_mentions
from checklists.model import Language


def refusal(refused: Refused, language: Language, *, markup: bool = True) -> str:
    """Return what a refusal says; without ``markup`` for a field of a modal, which shows none."""
    text = refused.text.text(language)
    if not markup:
        return f"{text} {refused.link}" if refused.link else text
    return f"{with_mentions(text)}\n<{refused.link}>" if refused.link else with_mentions(text)


def explained(wrong: OnboardingError, language: Language) -> str:
    """Return what an error on purpose means for whoever asked."""
    match wrong:
        case Refused():
            return refusal(wrong, language)
        case SlackRefused(error=error) if error == TRIGGER_USED:
            return repeated(language)
        case SlackRefused(error=error) if error == TRIGGER_LATE:
            return say("slack.too_late").text(language)
        case _:
            return escaped(str(wrong))


def repeated(language: Language) -> str:
    """Return that the same request came before."""
    return say("refused.repeated").text(language)
