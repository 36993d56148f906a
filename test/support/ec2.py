"""Stopped instances, one after the other, at moto's EC2 on loopback, and a role that may do what a wake function does, until standard input ends.

Prints a line of JSON with its address and the role's temporary keys. Each line of input, an action and its
operand, is answered by a line that says how the instance in turn is.
"""

import json
import sys
from datetime import datetime, timedelta, timezone

import boto3
from moto import settings
from moto.ec2 import ec2_backends
from moto.moto_server.threaded_moto_server import ThreadedMotoServer

account, region = "123456789012", "us-east-1"
server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
server.start()
host, port = server.get_host_and_port()
url = f"http://{host}:{port}"
where = {"endpoint_url": url, "region_name": region}
anybody = {"aws_access_key_id": "anybody", "aws_secret_access_key": "anything"}

iam = boto3.client("iam", **where, **anybody)
iam.create_role(RoleName="wake", AssumeRolePolicyDocument="{}")
actions = ["ec2:DescribeInstances", "ec2:StartInstances", "ec2:CreateTags", "ec2:DeleteTags"]
rights = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": actions, "Resource": "*"}}
iam.put_role_policy(RoleName="wake", PolicyName="wake", PolicyDocument=json.dumps(rights))
sts = boto3.client("sts", **where, **anybody)
keys = sts.assume_role(RoleArn=f"arn:aws:iam::{account}:role/wake", RoleSessionName="wake")["Credentials"]
backend = ec2_backends[account][region]
made = boto3.client("ec2", **where, **anybody).run_instances(ImageId="ami-12c6146b", MinCount=50, MaxCount=50)
instances = [one["InstanceId"] for one in made["Instances"]]
backend.stop_instances(instances)


def act(action, operand=None):
    if action == "next":
        instances.pop()
    instance = instances[-1]
    found = backend.get_instance(instance)
    if action == "stop":
        backend.stop_instances([instance])
    elif action == "terminate":
        backend.terminate_instances([instance])
    elif action == "start":  # as somebody does at the console, so many seconds from now
        backend.start_instances([instance])
        found.launch_time = datetime.now(timezone.utc).replace(tzinfo=None) + timedelta(seconds=int(operand))
    elif action == "state":  # what moto itself goes through in no time
        codes = {"pending": 0, "running": 16, "stopping": 64}
        found._state.name, found._state.code = operand, codes[operand]
    return {
        "instance": instance,
        "state": found._state.name,
        "tags": {tag["key"]: tag["value"] for tag in found.get_tags()},
        "host": found.public_dns_name,
    }


settings.INITIAL_NO_AUTH_ACTION_COUNT = 0  # signatures and rights are checked from here on
first = {"id": keys["AccessKeyId"], "secret": keys["SecretAccessKey"], "token": keys["SessionToken"]}
print(json.dumps({"url": url, **first}), flush=True)
for line in sys.stdin:
    print(json.dumps(act(*line.split())), flush=True)
