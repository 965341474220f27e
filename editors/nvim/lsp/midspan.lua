--- What `vim.lsp.enable('midspan')` starts where `require('midspan').setup` is not called.
return require('midspan').default_config()
