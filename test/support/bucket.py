"""A bucket of moto's S3 server on loopback, open to one key alone, until standard input ends.

Prints a line of JSON with its address and the key. Each line of input is answered by one: "list" by the names of what is
in it, "key" by another key, in the place of the one before, and {"name": "text"} puts that into it.
"""

import json
import sys

import boto3
from moto import settings
from moto.moto_server.threaded_moto_server import ThreadedMotoServer

server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
server.start()
host, port = server.get_host_and_port()
url = f"http://{host}:{port}"
anybody = {"aws_access_key_id": "anybody", "aws_secret_access_key": "anything"}
where = {"endpoint_url": url, "region_name": "us-east-1"}
boto3.client("s3", **where, **anybody).create_bucket(Bucket="team")
iam = boto3.client("iam", **where, **anybody)
iam.create_user(UserName="tracker")
allowed = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": ["s3:*", "iam:*"], "Resource": "*"}}
iam.put_user_policy(UserName="tracker", PolicyName="bucket", PolicyDocument=json.dumps(allowed))


def make_key():
    made = iam.create_access_key(UserName="tracker")["AccessKey"]
    return {"id": made["AccessKeyId"], "secret": made["SecretAccessKey"]}


def open_with(key):
    return {"aws_access_key_id": key["id"], "aws_secret_access_key": key["secret"]}


key = make_key()
settings.INITIAL_NO_AUTH_ACTION_COUNT = 0  # signatures are checked from here on
print(json.dumps({"url": url, **key}), flush=True)
for line in sys.stdin:
    if line.strip() == "key":
        iam = boto3.client("iam", **where, **open_with(key))
        before, key = key, make_key()
        iam.delete_access_key(UserName="tracker", AccessKeyId=before["id"])
        print(json.dumps(key), flush=True)
    else:
        bucket = boto3.resource("s3", **where, **open_with(key)).Bucket("team")
        for name, text in json.loads(line).items() if line.startswith("{") else []:
            bucket.put_object(Key=name, Body=text.encode())
        print(json.dumps([one.key for one in bucket.objects.all()]), flush=True)
