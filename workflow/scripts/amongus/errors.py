"""The one exception that is meant for the person who runs a study."""


class StudyError(Exception):
    """Something in the study's input is wrong; the message is one line that names the file and the mend.

    Scripts print it without a traceback and exit with status 1. What does not print (it may quote model text or
    a file's content) is spelled out.
    """

    def __init__(self, message: str) -> None:
        line = " ".join(message.split())
        super().__init__("".join(c if c.isprintable() else ascii(c)[1:-1] for c in line))
