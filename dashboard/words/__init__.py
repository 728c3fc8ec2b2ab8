"""The language room: every text, number, date and term that people read, in Chinese and English.

The command line, the pages, the figures and the exports all speak through `Words`, so that one thing has one name.
"""

from dashboard.words.words import LANGUAGES, Words

__all__ = ["LANGUAGES", "Words"]
