"""Confidences of what the rules conclude, side by side, so that they can be weighed against each other.

Where the catalog or the tagger has decided, theirs counts: `core/linking.py` gives the confidence of a match by its
spelling or meaning, and `tagger.likelihood` that of the tagger's answer.
"""

# The field of a value, if none is named beside it.
ONLY_FIELD_WITH_UNIT = 0.95
FIELD_OF_RATE = 0.9
PREVIOUS_FIELD_WITH_UNIT = 0.8
UNIT_BY_WORDS_AROUND = 0.8
UNIT_ASSUMED = 0.7  # The field has no unit, but its name says that it measures such things.
MIN_FIELD_WITH_UNIT = 0.4  # If several fields have the unit, each is equally likely, but no less than this.
ONLY_DATE_FOR_AGE = 0.8
ONLY_FIELD_OF_CODES = 0.9
ONLY_TIME_OF_DAY = 0.9
FIRST_TIME_OF_DAY = 0.6
DATE_BY_WORDS_AROUND = 0.85
PREVIOUS_DATE = 0.9
ONLY_DATE = 0.9
FIRST_DATE = 0.6
PREVIOUS_FIELD = 0.85
ONLY_NUMBER = 0.85
ONLY_NUMBER_IN_RANGE = 0.6
ONLY_MONEY = 0.7
NOT_MONEY = 0.3  # An amount is meant for another number although one field holds money.
MEASURE = 0.95  # An adjective names what the field measures: "deeper than".
EITHER_WAY = 0.5  # Nobody knows the adjective: "fluffier than".

# A field that is named without a value: its match counts that much less.
COUNT_OF_ZERO = 0.9
VALUE_MISSING = 0.8
VALUE_PRESENT = 0.9
DATE_UP_TO_NOW = 0.8

# Words for a string field.
VALUE_AFTER_FIELD = 0.01  # is added to that of the value's own match
WORDS_AFTER_FIELD = 0.85  # times that of the field's match
WORDS_IN_QUOTES = 0.7
EXCLUDED_WORDS = 0.6

# Other readings.
OTHER_PERIOD = 0.9  # times that of the first reading of a date such as "next Friday"
RIVAL = 0.85  # A clarification is asked for if another reading is at least this times as likely.
