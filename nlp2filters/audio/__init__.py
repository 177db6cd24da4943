"""Speech in recordings: decoding, finding speech, and transcribing it by Whisper."""
