// engine.h: llama.cpp's chat code behind requests and answers in JSON: what the lines of the exchange mean.
#pragma once

#include "chat.h"

#include <map>
#include <string>

// What went wrong, as one sentence: the engine's own, without where in the source it was.
std::string sentence_of(const std::exception &e);

// The template in use. Every function throws what is wrong as a std::exception whose text is fit for the user.
class engine {
  public:
    // {"template": TEXT, "tool_use": TEXT?, "bos": TEXT, "eos": TEXT, "add_bos": BOOL, "add_eos": BOOL}
    // -> {"thinking": BOOL, "folds_system": BOOL, "capabilities": {NAME: BOOL}}
    common_json open(const common_json &request);

    // {"requests": [REQUEST...], "whole": BOOL} -> {"results": [{"prompt": TEXT, ...} or {"error": TEXT}...]}
    // A REQUEST is OpenAI's: messages, tools, tool_choice, chat_template_kwargs, ...; `whole` adds what is needed to read
    // the answer.
    common_json render(const common_json &request);

    // {"parser": TEXT, "format": N, "generation_prompt": TEXT, "text": TEXT, "partial": BOOL, "tools": BOOL}
    // -> {"message": MESSAGE}
    common_json parse(const common_json &request);

    // {"schema": SCHEMA} -> {"grammar": TEXT}
    common_json grammar(const common_json &request);

  private:
    common_chat_templates_ptr chat_, tool_use_;
    std::string bos_, eos_;
    bool add_bos_ = false, add_eos_ = false, thinking_ = false, folds_system_ = false, parallel_calls_ = false;

    // Of conversations of one form (roles, and what the template is told besides): whether the quick way gives what the
    // whole way does, and on how many that was tried.
    struct trial {
        int tried = 0;
        bool equal = true;
    };
    std::map<std::string, trial> quick_;

    const common_chat_templates *choose(const common_chat_templates_inputs &inputs) const;
    common_chat_templates_inputs read(const common_json &request) const;
    common_chat_params apply(const common_chat_templates_inputs &inputs) const;
    bool loses_system(const common_chat_templates_inputs &inputs) const;
    common_chat_params apply_folding(common_chat_templates_inputs inputs) const;
    common_json render_one(const common_json &request, bool whole);
    std::string prompt_of(const common_json &request);
};
