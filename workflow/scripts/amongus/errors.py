"""The one exception that is meant for the person who runs a study."""


class StudyError(Exception):
    """Something in the study's input is wrong; the message is one line that names the file and the mend.

    Scripts print it without a traceback and exit with status 1.
    """

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.split()))
