"""The channel as a page: readable, and every control usable with plain forms."""

PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>#onboarding</title>
<style>
  :root { color-scheme: light dark; --line: #8884; --soft: #8881; --accent: #611f69; }
  body { font: 15px/1.5 system-ui, sans-serif; max-width: 54rem; margin: 0 auto; padding: 1rem; }
  nav a { margin-right: .8rem; } nav b { margin-right: .8rem; }
  article { border: 1px solid var(--line); border-radius: .6rem; padding: .6rem 1rem; margin: .8rem 0; }
  article.reply { margin-left: 2rem; background: var(--soft); } .ephemeral { border-style: dashed; opacity: .85; }
  pre { white-space: pre-wrap; overflow-wrap: anywhere; font: inherit; margin: .3rem 0; }
  h2 { font-size: 1.1rem; margin: .2rem 0; } form { display: inline-block; margin: .2rem .4rem .2rem 0; }
  .small { opacity: .7; font-size: .85rem; } dialog { position: static; width: auto; border-radius: .6rem; }
  input[type=text], textarea, select { font: inherit; padding: .3rem; min-width: 18rem; } label { display: block; }
  button { font: inherit; padding: .25rem .8rem; border-radius: .4rem; border: 1px solid var(--line); cursor: pointer; }
  button.primary { background: #007a5a; color: #fff; } .error { color: #c00; }
</style>
<h1>#onboarding</h1>
<nav>You are:
{% for person in people if not person.is_bot %}{% if person.id == user %}<b>{{ person.real_name }}</b>{% else %}
<a href="/?user={{ person.id }}">{{ person.real_name }}</a>{% endif %}{% endfor %} · <a href="/?user={{ user }}">refresh</a></nav>
<form method="post"><input type="hidden" name="_user" value="{{ user }}"><input type="hidden" name="_deed" value="command">
<input type="text" name="text" value="/onboard start" aria-label="command"> <button class="primary">Send</button></form>
{% for view in modal %}<dialog open><form method="post">
<h2>{{ view.definition.title.text }}</h2>
<input type="hidden" name="_user" value="{{ user }}"><input type="hidden" name="_deed" value="submit">
<input type="hidden" name="_view" value="{{ view.id }}">
{% for block in view.blocks %}{% if block.type == "input" %}{% set e = block.element %}<label>{{ block.label.text }}<br>
{% if e.type == "plain_text_input" %}<input type="text" name="{{ block.block_id }}"
 value="{{ view.selections.get(block.block_id, {}).get(e.action_id, {}).get('value') or e.initial_value or '' }}">
{% elif e.type == "datepicker" %}<input type="date" name="{{ block.block_id }}">
{% else %}<select name="{{ block.block_id }}">{% for option in e.options %}<option value="{{ option.value }}">{{ option.text.text }}
</option>{% endfor %}</select>{% endif %}
{% if view.errors[block.block_id] %}<span class="error">{{ view.errors[block.block_id] }}</span>{% endif %}
<span class="small">{{ block.hint.text }}</span></label>
{% elif block.text %}<pre>{{ block.text.text }}</pre>{% endif %}{% endfor %}
<button class="primary">{{ view.definition.submit.text }}</button></form></dialog>{% endfor %}
{% macro content(message) %}
{% for block in message.current.blocks %}
{% if block.type == "header" %}<h2>{{ block.text.text }}</h2>
{% elif block.type == "section" and block.text %}<pre>{{ block.text.text }}</pre>
{% elif block.type == "context" %}<p class="small">{% for e in block.elements %}{{ e.text }} {% endfor %}</p>
{% elif block.type == "divider" %}<hr>
{% elif block.type == "actions" %}{% for e in block.elements %}<form method="post">
<input type="hidden" name="_user" value="{{ user }}"><input type="hidden" name="_deed" value="act">
<input type="hidden" name="ts" value="{{ message.ts }}"><input type="hidden" name="block_id" value="{{ block.block_id }}">
<input type="hidden" name="action_id" value="{{ e.action_id }}"><input type="hidden" name="kind" value="{{ e.type }}">
{% if e.type == "button" %}<button name="value" value="{{ e.value }}" class="{{ e.style }}">{{ e.text.text }}</button>
{% else %}{% for option in e.options %}<label><input name="value" value="{{ option.value }}"
 type="{{ 'checkbox' if e.type == 'checkboxes' else 'radio' }}"
 {% for on in e.initial_options or [] if on.value == option.value %}checked{% endfor %}> {{ option.text.text }}</label>
{% endfor %}<button>OK</button>{% endif %}</form>{% endfor %}{% endif %}
{% else %}<pre>{{ message.current.text }}</pre>{% endfor %}
{% endmacro %}
{% for message, replies in threads %}<article class="{{ 'ephemeral' if message.ephemeral_to }}">{{ content(message) }}</article>
{% for reply in replies %}<article class="reply {{ 'ephemeral' if reply.ephemeral_to }}">{{ content(reply) }}</article>{% endfor %}
{% else %}<p>No messages yet. Send <code>/onboard start</code>.</p>{% endfor %}
</html>
"""
