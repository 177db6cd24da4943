"""The blob store: uploaded files, by owner and SHA-256, until no job can need them any more.

request ─ chunks ─▶ store.py: quota, digest ─ chunks ─▶ in_redis.py, in_folder.py or in_s3.py ─ chunks ─▶ worker
"""
