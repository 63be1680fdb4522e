// engine.cpp: see engine.h. What a request may hold and what is taken where it says nothing is as llama-server has it.
#include "engine.h"

#include "json-schema-to-grammar.h"

#include <algorithm>
#include <stdexcept>

using json = common_json;

std::string sentence_of(const std::exception &e) {
    std::string text = e.what();
    for (const char *before : {"\nError: ", "Jinja Exception: "}) {
        const auto at = text.rfind(before);
        if (at != std::string::npos) text = text.substr(at + std::string(before).size());
    }
    std::replace(text.begin(), text.end(), '\n', ' ');
    return text;
}

// ==== Opening ====

static common_chat_templates_inputs conversation_of(std::initializer_list<std::pair<const char *, const char *>> turns) {
    common_chat_templates_inputs inputs;
    inputs.reasoning_format = COMMON_REASONING_FORMAT_DEEPSEEK;
    for (const auto &turn : turns) {
        common_chat_msg message;
        message.role = turn.first;
        message.content = turn.second;
        inputs.messages.push_back(message);
    }
    return inputs;
}

// What stands in a conversation for a system message when it is tried whether a template drops it.
static const char probe[] = "TRIMTABPROBE";

json engine::open(const json &request) {
    bos_ = request.at("bos").get<std::string>();
    eos_ = request.at("eos").get<std::string>();
    add_bos_ = request.value("add_bos", false);
    add_eos_ = request.value("add_eos", false);
    const auto text = request.at("template").get<std::string>();
    common_chat_template(text, bos_, eos_); // says what is wrong, which the next line keeps to itself
    chat_ = common_chat_templates_init(nullptr, text, bos_, eos_);
    const auto tool_use = request.value("tool_use", std::string());
    if (!tool_use.empty()) try {
            tool_use_ = common_chat_templates_init(nullptr, tool_use, bos_, eos_);
        } catch (const std::exception &) { // as without it
            tool_use_.reset();
        }
    auto capabilities = common_chat_templates_get_caps(tool_use_ ? tool_use_.get() : chat_.get());
    parallel_calls_ = capabilities["supports_parallel_tool_calls"];
    try {
        thinking_ = common_chat_templates_support_enable_thinking(chat_.get());
    } catch (const std::exception &) { // a template that cannot lay out one question says so when it is asked to
        thinking_ = false;
    }
    auto plain = common_chat_templates_get_caps(chat_.get());
    folds_system_ = !plain["supports_system_role"] || loses_system(conversation_of({{"system", probe}, {"user", "Hello"}}));
    return json{{"thinking", thinking_}, {"folds_system", folds_system_}, {"capabilities", capabilities}};
}

// ==== Rendering ====

const common_chat_templates *engine::choose(const common_chat_templates_inputs &inputs) const {
    return tool_use_ && !inputs.tools.empty() ? tool_use_.get() : chat_.get();
}

static bool is_true(const std::map<std::string, std::string> &values, const char *name, bool otherwise) {
    const auto found = values.find(name);
    if (found == values.end()) return otherwise;
    if (found->second == "true") return true;
    if (found->second == "false") return false;
    if (found->second[0] == '"') throw std::invalid_argument("'enable_thinking' must be true or false, not text");
    return otherwise;
}

// A last message of the assistant's is gone on with, unless the request says otherwise.
static void read_continuation(common_chat_templates_inputs &inputs, const json &request) {
    inputs.add_generation_prompt = request.value("add_generation_prompt", true);
    if (request.contains("continue_final_message"))
        inputs.continue_final_message = common_chat_continuation_parse(request.at("continue_final_message"));
    const auto &messages = inputs.messages;
    if (!request.contains("continue_final_message") && !messages.empty() && messages.back().role == "assistant") {
        if (messages.size() >= 2 && messages[messages.size() - 2].role == "assistant")
            throw std::invalid_argument("the conversation ends in two messages of the assistant's; join them");
        inputs.continue_final_message = COMMON_CHAT_CONTINUATION_AUTO;
        inputs.add_generation_prompt = false;
    }
    if (inputs.continue_final_message == COMMON_CHAT_CONTINUATION_NONE) return;
    if (inputs.add_generation_prompt)
        throw std::invalid_argument("'add_generation_prompt' and 'continue_final_message' exclude each other");
    if (!messages.empty() && messages.back().role == "assistant" && !messages.back().tool_calls.empty())
        throw std::invalid_argument("a message with tool calls cannot be gone on with");
}

static void read_reasoning_effort(common_chat_templates_inputs &inputs, const json &request) {
    if (!request.contains("reasoning_effort")) return;
    const auto effort = request.value("reasoning_effort", std::string());
    if (effort == "none") {
        inputs.enable_thinking = false;
        inputs.chat_template_kwargs.erase("reasoning_effort");
    } else if (!effort.empty()) {
        inputs.chat_template_kwargs["reasoning_effort"] = json(effort).dump();
    }
}

common_chat_templates_inputs engine::read(const json &request) const {
    common_chat_templates_inputs inputs;
    if (!request.is_object() || !request.contains("messages")) throw std::invalid_argument("'messages' is missing");
    const auto nothing = json::array();
    inputs.messages = common_chat_msgs_parse_oaicompat(request.at("messages"));
    inputs.tools = common_chat_tools_parse_oaicompat(request.contains("tools") ? request.at("tools") : nothing);
    inputs.tool_choice = common_chat_tool_choice_parse_oaicompat(request.value("tool_choice", std::string("auto")));
    inputs.parallel_tool_calls = request.value("parallel_tool_calls", parallel_calls_);
    if (request.contains("json_schema")) inputs.json_schema = request.at("json_schema").dump();
    read_continuation(inputs, request);
    inputs.reasoning_format = COMMON_REASONING_FORMAT_DEEPSEEK;
    if (request.contains("reasoning_format"))
        inputs.reasoning_format = common_reasoning_format_from_name(request.at("reasoning_format").get<std::string>());
    if (request.contains("chat_template_kwargs") && request.at("chat_template_kwargs").is_object())
        for (const auto &item : request.at("chat_template_kwargs").items())
            inputs.chat_template_kwargs[item.key()] = item.value().dump();
    inputs.enable_thinking = is_true(inputs.chat_template_kwargs, "enable_thinking", thinking_);
    read_reasoning_effort(inputs, request);
    return inputs;
}

// Where the engine finds no way to read answers, there is a prompt nevertheless.
static common_chat_params apply_or_render(const common_chat_templates *chat, const common_chat_templates_inputs &inputs) {
    try {
        return common_chat_templates_apply(chat, inputs);
    } catch (const std::bad_alloc &) {
        throw;
    } catch (const std::exception &) {
        auto plain = inputs;
        plain.force_pure_content = true;
        return common_chat_templates_apply(chat, plain);
    }
}

// The tokenizer adds these tokens by itself: they must not stand in the text as well.
common_chat_params engine::apply(const common_chat_templates_inputs &inputs) const {
    auto params = apply_or_render(choose(inputs), inputs);
    auto &prompt = params.prompt;
    if (add_bos_ && !bos_.empty() && prompt.compare(0, bos_.size(), bos_) == 0) prompt.erase(0, bos_.size());
    if (add_eos_ && !eos_.empty() && prompt.size() >= eos_.size() &&
        prompt.compare(prompt.size() - eos_.size(), eos_.size(), eos_) == 0)
        prompt.erase(prompt.size() - eos_.size());
    return params;
}

// ==== Roles that a template refuses ====

static bool is_system(const common_chat_msg &message) { return message.role == "system"; }

// Whether the template raises on the system messages or leaves one of them out: each is given a text of its own, which must
// come back.
bool engine::loses_system(const common_chat_templates_inputs &inputs) const {
    auto marked = inputs;
    std::vector<std::string> marks;
    for (auto &message : marked.messages) {
        if (!is_system(message)) continue;
        message.content = probe + std::to_string(marks.size()) + "END";
        message.content_parts.clear();
        marks.push_back(message.content);
    }
    if (marks.empty()) return false;
    std::string prompt;
    try {
        prompt = apply(marked).prompt;
    } catch (const std::exception &) {
        return true;
    }
    return std::any_of(marks.begin(), marks.end(),
                       [&](const std::string &mark) { return prompt.find(mark) == std::string::npos; });
}

static void put_in_front(common_chat_msg &message, const std::string &text) {
    if (message.content_parts.empty()) {
        message.content = message.content.empty() ? text : text + "\n" + message.content;
        return;
    }
    common_chat_msg_content_part part;
    part.type = "text";
    part.text = text;
    message.content_parts.insert(message.content_parts.begin(), part);
}

// Moves the text of every system message from the `first` message on in front of the next user message, else of the last
// one before it; without any user message it becomes one.
static std::vector<common_chat_msg> fold_system(const std::vector<common_chat_msg> &messages, size_t first) {
    std::vector<common_chat_msg> folded;
    std::string waiting;
    for (size_t i = 0; i < messages.size(); i++) {
        auto message = messages[i];
        if (is_system(message) && i >= first) {
            waiting += (waiting.empty() ? "" : "\n") + message.render_content("\n");
            continue;
        }
        if (message.role == "user" && !waiting.empty()) {
            put_in_front(message, waiting);
            waiting.clear();
        }
        folded.push_back(message);
    }
    if (waiting.empty()) return folded;
    const auto last = std::find_if(folded.rbegin(), folded.rend(), [](const auto &m) { return m.role == "user"; });
    if (last != folded.rend()) {
        put_in_front(*last, waiting);
    } else {
        common_chat_msg message;
        message.role = "user";
        message.content = waiting;
        folded.push_back(message);
    }
    return folded;
}

common_chat_params engine::apply_folding(common_chat_templates_inputs inputs) const {
    const auto &messages = inputs.messages;
    const bool any = std::any_of(messages.begin(), messages.end(), is_system);
    if (any && folds_system_) inputs.messages = fold_system(messages, 0);
    const bool later = std::any_of(messages.begin() + (messages.empty() ? 0 : 1), messages.end(), is_system);
    // A system message that templates look for in front of a user message only, with none there, is lost by some.
    const auto turns =
        std::find_if(messages.rbegin(), messages.rend(), [](const auto &m) { return is_system(m) || m.role == "user"; });
    const bool alone = any && turns != messages.rend() && is_system(*turns);
    if ((later || alone) && !folds_system_ && loses_system(inputs)) inputs.messages = fold_system(messages, later ? 1 : 0);
    return apply(inputs);
}

// ==== What comes back ====

static std::string without_spaces_behind(const std::string &text) {
    const auto end = text.find_last_not_of(" \t\r\n");
    return end == std::string::npos ? std::string() : text.substr(0, end + 1);
}

static bool ends_with(const std::string &text, const std::string &end) {
    return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

static json triggers_of(const common_chat_params &params) {
    auto list = json::array();
    for (const auto &trigger : params.grammar_triggers)
        list.push_back(json{{"type", static_cast<int>(trigger.type)}, {"value", trigger.value}});
    return list;
}

static void add_reading(json &result, const common_chat_params &params) {
    const auto &start = params.thinking_start_tag;
    const bool opened = !start.empty() && ends_with(without_spaces_behind(params.prompt), without_spaces_behind(start));
    result["generation_prompt"] = params.generation_prompt;
    result["thinking"] =
        json{{"known", params.supports_thinking}, {"start", start}, {"ends", params.thinking_end_tags}, {"opened", opened}};
    result["format"] = static_cast<int>(params.format);
    result["format_name"] = std::string(common_chat_format_name(params.format));
    result["parser"] = params.parser;
    result["grammar"] = params.grammar;
    result["grammar_lazy"] = params.grammar_lazy;
    result["grammar_triggers"] = triggers_of(params);
    result["stops"] = params.additional_stops;
    result["preserved_tokens"] = params.preserved_tokens;
}

// What names the form of a conversation of plain texts; "" for any other.
static std::string form_of(const json &request) {
    std::string form;
    for (const auto &item : request.items())
        if (item.key() == "chat_template_kwargs")
            form += item.value().dump();
        else if (item.key() != "messages")
            return "";
    for (const auto &message : request.at("messages")) {
        if (message.size() != 2 || !message.contains("content") || !message.at("content").is_string()) return "";
        form += " " + message.at("role").get<std::string>();
    }
    return form;
}

// To make a parser for the answer takes some twenty renderings of other conversations. Where the prompt alone is asked for,
// which is done for thousands of one form, that is left out once it has been seen twice to make no difference.
std::string engine::prompt_of(const json &request) {
    enum { TRIALS = 2 };
    auto inputs = read(request);
    const auto form = form_of(request);
    auto &seen = quick_[form];
    auto quick = inputs;
    quick.force_pure_content = true;
    if (!form.empty() && seen.equal && seen.tried >= TRIALS) return apply_folding(quick).prompt;
    const auto prompt = apply_folding(inputs).prompt;
    if (!form.empty() && seen.equal) {
        seen.tried++;
        seen.equal = apply_folding(quick).prompt == prompt;
    }
    return prompt;
}

json engine::render_one(const json &request, bool whole) {
    try {
        auto result = json::object();
        if (!whole) {
            result["prompt"] = prompt_of(request);
            return result;
        }
        const auto params = apply_folding(read(request));
        result["prompt"] = params.prompt;
        add_reading(result, params);
        return result;
    } catch (const std::bad_alloc &) {
        throw; // nothing can be said with what is left
    } catch (const std::exception &e) {
        auto result = json::object();
        result["error"] = sentence_of(e);
        return result;
    }
}

json engine::render(const json &request) {
    enum { FORMS = 256 };
    if (quick_.size() > FORMS) quick_.clear();
    if (!chat_) throw std::logic_error("no template is open");
    auto results = json::array();
    for (const auto &one : request.at("requests")) results.push_back(render_one(one, request.value("whole", false)));
    auto answer = json::object();
    answer["results"] = results;
    return answer;
}

// ==== Answers ====

json engine::parse(const json &request) {
    common_chat_parser_params params;
    params.format = static_cast<common_chat_format>(request.at("format").get<int>());
    params.reasoning_format = COMMON_REASONING_FORMAT_DEEPSEEK;
    params.generation_prompt = request.value("generation_prompt", std::string());
    params.parse_tool_calls = request.value("tools", false);
    const auto parser = request.value("parser", std::string());
    if (!parser.empty()) params.parser.load(parser);
    const auto message = common_chat_parse(request.at("text").get<std::string>(), request.value("partial", false), params);
    auto answer = json::object();
    answer["message"] = message.to_json_oaicompat();
    return answer;
}

json engine::grammar(const json &request) {
    auto answer = json::object();
    answer["grammar"] = json_schema_to_grammar(request.at("schema"));
    return answer;
}
