# Prints what happens in a playbook as one JSON object a line, for Sesta to show. Runs in every ansible-core that
# Sesta's locks name; what a result is called changed in 2.19.
import json

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
    name: sesta_lines
    type: stdout
    short_description: one JSON object a line
    description: What happens in a playbook, for Sesta to show.
"""

LONGEST = 4000


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "sesta_lines"

    def __init__(self):
        super().__init__()
        self.play = ""

    def say(self, kind, **more):
        self._display.display(json.dumps({"sesta": kind, "play": self.play, **more}, default=str))

    def v2_playbook_on_play_start(self, play):
        self.play = play.get_name().strip()
        self.say("play")

    def v2_playbook_on_no_hosts_matched(self):
        self.say("no-hosts")

    def v2_playbook_on_task_start(self, task, is_conditional):
        self.say("task", task=task.get_name().strip())

    def v2_playbook_on_handler_task_start(self, task):
        self.say("task", task=task.get_name().strip())

    def v2_runner_on_ok(self, result):
        changed = read(result, "result").get("changed", False)
        self.tell("result", result, "changed" if changed else "ok")

    def v2_runner_on_failed(self, result, ignore_errors=False):
        self.tell("result", result, "failed", ignored=bool(ignore_errors))

    def v2_runner_on_skipped(self, result):
        self.tell("result", result, "skipped")

    def v2_runner_on_unreachable(self, result):
        self.tell("result", result, "unreachable")

    def v2_runner_item_on_ok(self, result):
        changed = read(result, "result").get("changed", False)
        self.tell("item", result, "changed" if changed else "ok")

    def v2_runner_item_on_failed(self, result):
        self.tell("item", result, "failed")

    def v2_runner_retry(self, result):
        self.tell("waiting", result, "failed")

    def v2_runner_on_async_poll(self, result):
        self.tell("waiting", result, "ok")

    def v2_playbook_on_stats(self, stats):
        hosts = {host: stats.summarize(host) for host in stats.processed}
        self.say("end", hosts=hosts)

    def tell(self, kind, result, state, **more):
        data = read(result, "result")
        # Of what gathering facts runs, the first that failed says why.
        data = next(iter(data.get("failed_modules", {}).values()), data)
        self.say(
            kind,
            task=read(result, "task").get_name().strip(),
            host=read(result, "host").get_name(),
            state=state,
            msg=shorten(data.get("msg", data.get("censored", data.get("skip_reason", "")))),
            rc=data.get("rc"),
            stdout=shorten(data.get("stdout", data.get("module_stdout", ""))),
            stderr=shorten(data.get("stderr", data.get("module_stderr", ""))),
            item=self._get_item_label(data) if kind == "item" else None,
            attempts=data.get("attempts"),
            **more,
        )


def read(result, name):
    return getattr(result, name) if hasattr(result, name) else getattr(result, "_" + name)


def shorten(value):
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    return text[-LONGEST:]
